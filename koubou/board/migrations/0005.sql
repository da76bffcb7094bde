-- What is counted at every look and every scrape is counted in an index of its own.

CREATE INDEX task_to_be_filed ON task (seq) WHERE waiting = 'file';
CREATE INDEX task_parked_for ON task (status, park) WHERE park IS NOT NULL;   -- status first: it is for counting alone
