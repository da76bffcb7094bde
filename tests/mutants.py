"""The guards of the workshop, and what goes red without them: `scripts/mutants` takes each away in turn.

`old` stands exactly once in `file`; with `new` in its place at least one of `tests` must fail. A guard that no test
misses is either none, or a promise that nobody keeps watch over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """What goes wrong, where, by which change, and who must notice."""

    wrong: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


LIFE = "tests/property/test_life_of_a_task.py"
NEVER_OVER = "tests/property/test_never_over.py"
TURNS = "tests/integration/test_turns.py"
TILL = "tests/integration/test_till.py"
RECOVER = "tests/integration/test_master_recover.py"
BOARD = "tests/contract/test_board_money.py"
POWER = "tests/acceptance/test_power_cuts.py"
MODEL = "tests/property/test_turns_against_a_model.py"

MONEY: Sequence[Mutant] = (
    Mutant(
        "what was counted while an answer was written is taken for the bill",
        "koubou/backends/completion.py",
        "        if usage is None or not self._usage_is_final or self._usage_is_unclear or self._error is not None:\n",
        "        if usage is None:\n",
        ("tests/integration/test_chat.py",),
    ),
    Mutant(
        "a gateway's error is believed to cost nothing",
        "koubou/rules/provider_errors.py",
        "status in _GATEWAYS or not own",
        "not own",
        ("tests/unit/test_provider_errors.py",),
    ),
    Mutant(
        "a provider that says our key again is quoted",
        "koubou/backends/chat.py",
        "        return self._without_keys(answer)\n",
        "        return answer\n",
        ("tests/integration/test_chat.py",),
    ),
    Mutant(
        "a hold is granted beyond the ceiling",
        "koubou/board/sql/ledger.sql",
        "  AND (ceiling IS NULL OR settled + held + :amount <= min(ceiling, coalesce(:bearable, ceiling)));",
        "  AND (ceiling IS NULL OR settled + held <= min(ceiling, coalesce(:bearable, ceiling)));",
        (BOARD,),
    ),
    Mutant(
        "an account is not asked before a hold",
        "koubou/rules/admit.py",
        "    if not breached:\n",
        "    if True:\n",
        ("tests/unit/test_admit.py", TILL),
    ),
    Mutant(
        "what can never fit waits for ever",
        "koubou/rules/admit.py",
        "        if bearer.most is not None and needed > bearer.most:\n",
        "        if False:\n",
        ("tests/unit/test_admit.py",),
    ),
    Mutant(
        "a limit that was lowered by hand fails who waits for it",
        "koubou/rules/limits.py",
        "        return any((scope, str(dimension)) in self.set for scope in scopes)\n",
        "        return False\n",
        ("tests/unit/test_limits.py", TILL),
    ),
    Mutant(
        "a bill of a call under way is charged before the call",
        "koubou/rules/reconcile.py",
        "    room = known + late + held - total\n",
        "    room = known + late - total\n",
        ("tests/unit/test_reconcile.py", TILL),
    ),
    Mutant(
        "money comes back where nobody knows what was billed",
        "koubou/rules/settle.py",
        "            return Settlement(amount=hold, unreconciled=hold > 0)",
        "            return Settlement(amount=0, released=True)",
        ("tests/unit/test_money_rules.py", LIFE),
    ),
    Mutant(
        "a usage that cannot be is believed",
        "koubou/rules/settle.py",
        "        case (Bill.REPORTED, Usage()) if is_plausible(usage):",
        "        case (Bill.REPORTED, Usage()):",
        ("tests/unit/test_settle.py",),
    ),
    Mutant(
        "a bill above its hold freezes nothing",
        "koubou/steps/settle.py",
        "    if outcome.above_hold:\n",
        "    if False:\n",
        ("tests/integration/test_telling.py", "tests/integration/test_wedges.py"),
    ),
    Mutant(
        "a call is settled twice",
        "koubou/board/sql/ledger.sql",
        "AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.call = :call AND e.kind IN ('settle', 'release'));",
        ";",
        ("tests/contract/test_board_money.py", "tests/contract/test_board_promises.py"),
    ),
    Mutant(
        "a bound forgets the frame of each message",
        "koubou/rules/bound.py",
        "    return input_bytes + REQUEST_TOKENS + MESSAGE_TOKENS * message_count",
        "    return input_bytes",
        ("tests/unit/test_money_rules.py",),
    ),
    Mutant(
        "a bound is rounded down",
        "koubou/rules/bound.py",
        "    return -(-(input_tokens * rates.input + cap * rates.output) // MILLION)",
        "    return (input_tokens * rates.input + cap * rates.output) // MILLION",
        ("tests/property/test_bill_and_hold.py", "tests/property/test_bound.py"),
    ),
    Mutant(
        "a bound forgets dearer steps of a price",
        "koubou/rules/bound.py",
        "    reachable = [price.base, *(rates for threshold, rates in price.steps if input_tokens > threshold)]",
        "    reachable = [price.base]",
        ("tests/property/test_bill_and_hold.py", "tests/unit/test_money_rules.py"),
    ),
    Mutant(
        "a request goes out that is larger than what is held for",
        "koubou/master/deeds.py",
        "        if size > held_for:\n",
        "        if False:\n",
        ("tests/integration/test_last_door.py", "tests/integration/test_master_races.py"),
    ),
    Mutant(
        "a field goes out whose price nobody knows",
        "koubou/master/deeds.py",
        '        if (reason := refused_field("chat", sent)) is not None:\n',
        '        if (reason := refused_field("chat", {})) is not None:\n',
        ("tests/integration/test_last_door.py",),
    ),
    Mutant(
        "an emergency stops nothing",
        "koubou/steps/admit.py",
        "    if EMERGENCY in latches:\n",
        "    if False:\n",
        (TURNS, MODEL),
    ),
    Mutant(
        "month's spending far above the limit goes on",
        "koubou/rules/levels.py",
        "    return month.limit is not None and month.settled >= month.limit * emergency_at and month.settled > 0",
        "    return False",
        (TILL, "tests/integration/test_telling.py"),
    ),
    Mutant(
        "unknown bills pause no tier",
        "koubou/rules/levels.py",
        "    return unreconciled * 100 // part > (unreconciled - newly) * 100 // part",
        "    return False",
        (TILL, "tests/integration/test_telling.py"),
    ),
    Mutant(
        "the library asks a provider again by itself, unseen",
        "koubou/backends/chat.py",
        "max_retries=0",
        "max_retries=2",
        ("tests/integration/test_chat.py",),
    ),
    Mutant(
        "an exhausted quota is asked again and again",
        "koubou/rules/retry.py",
        "_ONLY_ELSEWHERE = frozenset({ErrorClass.QUOTA, ErrorClass.AUTH, ",
        "_ONLY_ELSEWHERE = frozenset({ErrorClass.AUTH, ",
        ("tests/unit/test_retry.py",),
    ),
    Mutant(
        "a rate limit is not kept",
        "koubou/rules/rate.py",
        "    return due_at + share - tolerance",
        "    return 0",
        ("tests/unit/test_rate.py",),
    ),
)

SECRECY: Sequence[Mutant] = (
    Mutant(
        "a secret is routed to the cloud",
        "koubou/rules/route.py",
        "    if is_secret(task) and tier.reach is not Reach.LOCAL:\n",
        "    if False:\n",
        ("tests/unit/test_route.py",),
    ),
    Mutant(
        "what nobody has judged counts as public",
        "koubou/rules/route.py",
        "    return task.sensitivity not in (Sensitivity.PUBLIC, Sensitivity.INTERNAL)",
        "    return task.sensitivity is Sensitivity.CONFIDENTIAL",
        ("tests/unit/test_route.py",),
    ),
    Mutant(
        "a secret is admitted to a tier that has moved to the cloud",
        "koubou/steps/admit.py",
        "    if tier.reach is not Reach.LOCAL and task.sensitivity not in "
        "(Sensitivity.PUBLIC, Sensitivity.INTERNAL):\n",
        "    if False:\n",
        (TURNS, "tests/integration/test_changes_under_way.py"),
    ),
    Mutant(
        "a secret passes the last door to a worker of the cloud",
        "koubou/master/deeds.py",
        "        if member.tier.reach is not Reach.LOCAL and task.sensitivity not in "
        "(Sensitivity.PUBLIC, Sensitivity.INTERNAL):\n",
        "        if False:\n",
        ("tests/integration/test_last_door.py", "tests/integration/test_master_races.py"),
    ),
    Mutant(
        "a task file lowers what was found",
        "koubou/rules/classify.py",
        "    if asked is not None and asked.rank > found.rank:\n",
        "    if asked is not None:\n",
        ("tests/unit/test_classify.py", "tests/property/test_classify_anything.py"),
    ),
    Mutant(
        "who reads a confidential answer is not confidential",
        "koubou/steps/route.py",
        "    highest = max([task.sensitivity or Sensitivity.PUBLIC, *levels], key=lambda level: level.rank)",
        "    highest = task.sensitivity or Sensitivity.PUBLIC",
        (TURNS,),
    ),
    Mutant(
        "a prompt follows a redirect to another host",
        "koubou/backends/chat.py",
        "follow_redirects=False",
        "follow_redirects=True",
        ("tests/integration/test_chat.py",),
    ),
    Mutant(
        "a prompt goes through a proxy of the environment",
        "koubou/backends/chat.py",
        "trust_env=False",
        "trust_env=True",
        ("tests/integration/test_chat.py",),
    ),
    Mutant(
        "any name counts as a local host",
        "koubou/config/hosts.py",
        "    if addresses and all(is_local_literal(address) for address in addresses):\n",
        "    if addresses:\n",
        ("tests/unit/test_hosts.py",),
    ),
    Mutant(
        "anybody may lower how secret a task is",
        "koubou/steps/answer.py",
        '    operator(asked, "lower how secret a task is")\n',
        "",
        (TURNS, "tests/integration/test_master_control.py"),
    ),
    Mutant(
        "full-width letters hide a secret from the rules",
        "koubou/rules/classify.py",
        "    text = document if document.isascii() else document.translate(_WIDE)",
        "    text = document",
        ("tests/unit/test_classify.py",),
    ),
)

CLAIMS: Sequence[Mutant] = (
    Mutant(
        "a claim that is read twice after a crash counts as dropped twice",
        "koubou/steps/intake.py",
        "            if not shop.board.tasks.of_claim(arrived.claim):\n",
        "            if True:\n",
        (TURNS, "tests/integration/test_wedges.py"),
    ),
    Mutant(
        "another content under a known id replaces nothing and is lost in silence",
        "koubou/steps/intake.py",
        "    if owner != new.owner or digest != new.digest:\n",
        "    if False:\n",
        (TURNS,),
    ),
    Mutant(
        "a task may wait for one that belongs to somebody else",
        "koubou/steps/intake.py",
        "        if known is not None and known[2] != new.owner:\n",
        "        if False:\n",
        (TURNS,),
    ),
    Mutant(
        "a task gets an answer of somebody who took the id that it waited for",
        "koubou/steps/route.py",
        "        if strangers:\n",
        "        if False:\n",
        (TURNS,),
    ),
    Mutant(
        "tasks wait for one another in a circle",
        "koubou/steps/intake.py",
        "    if circle is not None:\n",
        "    if False:\n",
        (TURNS,),
    ),
    Mutant(
        "one bad document takes the others of its file with it half way",
        "koubou/steps/intake.py",
        "        with shop.board.savepoint():\n            if not shop",
        "        if True:\n            if not shop",
        (TURNS, "tests/integration/test_wedges.py"),
    ),
    Mutant(
        "a symbolic link is followed",
        "koubou/folders/bounded.py",
        "os.O_NOFOLLOW",
        "0",
        ("tests/integration/test_read.py",),
    ),
    Mutant(
        "a hard link is read",
        "koubou/folders/read.py",
        "    if found.st_nlink != 1:\n",
        "    if False:\n",
        ("tests/integration/test_read.py",),
    ),
    Mutant(
        "a pipe or a device is read",
        "koubou/folders/read.py",
        "    if not stat.S_ISREG(found.st_mode):\n",
        "    if False:\n",
        ("tests/integration/test_read.py",),
    ),
    Mutant(
        "a file that is still being written is taken",
        "koubou/folders/claim.py",
        "            if not -quiet <= moment - status.st_ctime_ns < quiet:\n",
        "            if True:\n",
        ("tests/integration/test_claim.py",),
    ),
    Mutant(
        "aliases of YAML unfold without end",
        "koubou/documents/yaml_text.py",
        "        self._count(nodes, characters, event)\n",
        "        pass\n",
        ("tests/unit/test_reading.py", "tests/property/test_reading_anything.py"),
    ),
)

RECOVERY: Sequence[Mutant] = (
    Mutant(
        "a run that may have gone out gives its money back",
        "koubou/master/recover.py",
        "        if run.sent_at is None and (not here or _was_begun(layout, task_id, run.number))\n",
        "        if False\n",
        (RECOVER,),
    ),
    Mutant(
        "a record of another call counts",
        "koubou/master/recover.py",
        "        if record is not None and record.result.call == run.call:\n",
        "        if record is not None:\n",
        (RECOVER,),
    ),
    Mutant(
        "a task is taken from an old worker that still lives",
        "koubou/master/recover.py",
        "for worker in sorted(known.difference(but))",
        "for worker in sorted(known)",
        (RECOVER,),
    ),
    Mutant(
        "a stranger who has a worker's number is ended",
        "koubou/master/recover.py",
        "        if start_time(worker.pid) == worker.born:\n",
        "        if True:\n",
        (RECOVER,),
    ),
    Mutant(
        "an old worker that ignores SIGTERM lives on",
        "koubou/master/recover.py",
        "            loop.call_later(patience, self.kill)\n",
        "",
        (RECOVER,),
    ),
    Mutant(
        "a late result ends the task anew",
        "koubou/steps/settle.py",
        "    if not first or task.run != result.run or task.status not in _AT_WORK or task.outcome is not None:\n"
        "        return  # a late word",
        "    if task.outcome is not None:\n        return  # a late word",
        (TURNS, MODEL),
    ),
    Mutant(
        "agents go on after an emergency stop",
        "koubou/steps/watch.py",
        "        if shop.budget.stop_agents:\n",
        "        if False:\n",
        (TURNS,),
    ),
    Mutant(
        "what must not run twice runs twice",
        "koubou/steps/after_run.py",
        '    if task.on_interrupt == "hold":\n',
        "    if False:\n",
        (TURNS, RECOVER, MODEL),
    ),
    Mutant(
        "a task kills workers for ever",
        "koubou/steps/after_run.py",
        '    elif interruptions >= INTERRUPTIONS_BORNE and not (task.on_interrupt == "hold" and sent):\n',
        "    elif False:\n",
        (TURNS, MODEL),
    ),
    Mutant(
        "neighbours of whoever kills a worker are blamed with him",
        "koubou/steps/after_run.py",
        "    interruptions = task.interruptions + (1 if died and alone else 0)",
        "    interruptions = task.interruptions + (1 if died else 0)",
        (TURNS, MODEL),
    ),
    Mutant(
        "ends of the master count against a task",
        "koubou/steps/after_run.py",
        "    died = sent and not gone.on_purpose",
        "    died = sent",
        (RECOVER, TURNS, MODEL),
    ),
    Mutant(
        "a fault over one task stops the turn for all",
        "koubou/steps/shop.py",
        "        except Exception as error:  # noqa: BLE001 - see above\n",
        "        except ZeroDivisionError as error:\n",
        ("tests/integration/test_wedges.py",),
    ),
    Mutant(
        "two masters serve one home",
        "koubou/master/lock.py",
        "    except BlockingIOError:\n        return False\n",
        "    except BlockingIOError:\n        return True\n",
        ("tests/integration/test_master_lock.py",),
    ),
    Mutant(
        "a newer board is written by an older program",
        "koubou/board/migrating.py",
        "    if version > newest:\n",
        "    if False:\n",
        ("tests/contract/test_board_on_disk.py",),
    ),
    Mutant(
        "a board is changed without a copy",
        "koubou/board/migrating.py",
        "        copy_aside(connection, path, str(version))\n",
        "        pass\n",
        ("tests/contract/test_board_migrations.py",),
    ),
)

PROCESSES: Sequence[Mutant] = (
    Mutant(
        "a worker takes work from a master that is gone",
        "koubou/worker/loop.py",
        "        if self._leave.is_set() or key in self._runs:\n",
        "        if key in self._runs:\n",
        ("tests/integration/test_worker.py::test_a_retiring_worker_takes_nothing_new_and_finishes_the_old",),
    ),
    Mutant(
        "a worker outlives its master",
        "koubou/worker/loop.py",
        "                self._welcome.set_exception(damage)\n        self._leave_within(self._grace)\n",
        "                self._welcome.set_exception(damage)\n        self._leave.clear()\n",
        (
            "tests/integration/test_worker.py::test_a_worker_whose_master_dies_before_the_welcome_ends_at_once",
            "tests/integration/test_worker.py::test_a_worker_that_loses_its_master_finishes_what_is_under_way_and_ends",
        ),
    ),
    Mutant(
        "an answer without end fills the memory",
        "koubou/worker/growing.py",
        "        if self._length > LONGEST:\n",
        "        if False:\n",
        ("tests/integration/test_growing.py",),
    ),
    Mutant(
        "a run has more places than its worker",
        "koubou/steps/admit.py",
        "            bench.worker: bench.room - taken.get(bench.worker, 0)\n",
        "            bench.worker: bench.room\n",
        (TURNS, MODEL),
    ),
    Mutant(
        "two tasks with one lock are at work together",
        "koubou/steps/admit.py",
        "    if lock is not None:\n",
        "    if False:\n",
        (TURNS,),
    ),
    Mutant(
        "a pause stops nothing",
        "koubou/steps/admit.py",
        "        if tier.unfit is not None or is_paused(tier.name, latches):\n",
        "        if tier.unfit is not None:\n",
        (TURNS, MODEL),
    ),
    Mutant(
        "a suspect is tried beside others",
        "koubou/steps/admit.py",
        "            if rooms[worker] == 0 or task.suspect:\n",
        "            if rooms[worker] == 0:\n",
        (TURNS, MODEL),
    ),
    Mutant(
        "a worker that hangs is left alone",
        "koubou/master/supervision.py",
        "            self._end_if_hanging(member, now)\n",
        "            pass\n",
        ("tests/integration/test_master_crew.py",),
    ),
    Mutant(
        "a crew that cannot work is hired again and again",
        "koubou/master/crew.py",
        '            self.halted[tier] = f"{member.unable.message}; {member.unable.remedy}"\n',
        '            self.halted[""] = f"{member.unable.message}; {member.unable.remedy}"\n',
        ("tests/integration/test_master_crew.py",),
    ),
    Mutant(
        "who leaves the session escapes the leash",
        "koubou/leash/main.py",
        "    become_subreaper()\n",
        "",
        ("tests/integration/test_leash.py",),
    ),
    Mutant(
        "a program without end is not ended",
        "koubou/leash/hold.py",
        '        elif limits["wall"] is not None and now >= self._began + limits["wall"] / 1000:\n',
        "        elif False:\n",
        ("tests/integration/test_leash_turns.py", "tests/integration/test_leash.py"),
    ),
)

FILES: Sequence[Mutant] = (
    Mutant(
        "an attachment is taken from outside the workspace",
        "koubou/folders/beneath.py",
        '    if not parts or ".." in parts:\n',
        "    if not parts:\n",
        ("tests/integration/test_attached_files.py",),
    ),
    Mutant(
        "an attachment is read that its submitter may not read",
        "koubou/folders/beneath.py",
        "    if not granted & wanted:\n",
        "    if False:\n",
        ("tests/integration/test_attached_files.py",),
    ),
    Mutant(
        "an attachment is reached through a link",
        "koubou/folders/beneath.py",
        "_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC",
        "_STEP = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC",
        ("tests/integration/test_attached_files.py",),
    ),
    Mutant(
        "an answer is settled on before the disk has it",
        "koubou/worker/leave_record.py",
        "        os.fsync(descriptor)\n",
        "",
        (POWER,),
    ),
    Mutant(
        "a task is filed before the disk has its shelf",
        "koubou/folders/shelve.py",
        '        sync_folder(f"{layout.tasks}/{shelf}")\n',
        "        pass\n",
        (POWER,),
    ),
    Mutant(
        "an attachment's copy is written outside its folder",
        "koubou/folders/shelve.py",
        '    parts = [part for part in name.split("/") if part not in ("", ".", "..")]',
        '    parts = name.split("/")',
        ("tests/integration/test_shelve.py",),
    ),
    Mutant(
        "an id names a folder elsewhere",
        "koubou/folders/layout.py",
        "        if _FOLDER_NAME.fullmatch(task) is None:\n",
        "        if False:\n",
        ("tests/unit/test_layout.py",),
    ),
    Mutant(
        "a dropped file goes over another of its name",
        "koubou/folders/durable.py",
        "_RENAME_NOREPLACE = 1",
        "_RENAME_NOREPLACE = 0",
        ("tests/integration/test_submit_drop.py", "tests/integration/test_reject.py"),
    ),
    Mutant(
        "both an answer and an error stand in one folder",
        "koubou/folders/shelve.py",
        "        _remove_results(work, but=files)\n        _let_read",
        "        _let_read",
        ("tests/integration/test_shelve.py",),
    ),
    Mutant(
        "a key is used that others may read",
        "koubou/vault/key_file.py",
        "        if found.st_mode & 0o077:\n",
        "        if False:\n",
        ("tests/integration/test_vault.py",),
    ),
    Mutant(
        "the key lies beside what it seals",
        "koubou/vault/key_file.py",
        "        if os.path.commonpath([real, os.path.realpath(self.home)]) == os.path.realpath(self.home):\n",
        "        if False:\n",
        ("tests/integration/test_vault.py",),
    ),
    Mutant(
        "others than the submitter read an answer",
        "koubou/folders/access.py",
        "        (_OTHER, 0, _NOBODY),\n",
        "        (_OTHER, _READ, _NOBODY),\n",
        ("tests/integration/test_access.py",),
    ),
)

PERMISSIONS: Sequence[Mutant] = (
    Mutant(
        "a stranger sees and changes tasks that are not his",
        "koubou/steps/answer.py",
        "    if task is None or not (asked.operator or task.owner == asked.uid):\n",
        "    if task is None:\n",
        (TURNS, "tests/integration/test_master_control.py"),
    ),
    Mutant(
        "anybody is an operator",
        "koubou/master/control.py",
        "    return uid, uid in (0, os.geteuid())",
        "    return uid, True",
        ("tests/integration/test_master_control.py",),
    ),
    Mutant(
        "anybody raises a limit or ends an emergency",
        "koubou/steps/budget.py",
        "    if not asked.operator:\n",
        "    if False:\n",
        (TURNS, TILL),
    ),
    Mutant(
        "anybody has the settings and keys read anew",
        "koubou/master/reception.py",
        "        if not operator:\n",
        "        if False:\n",
        ("tests/integration/test_reloading.py",),
    ),
    Mutant(
        "an emergency is ended without a reason",
        "koubou/steps/answer.py",
        '    if not reason:\n        raise UsageMistake("budget resume needs a --reason")\n',
        "",
        (TURNS, TILL),
    ),
)

ROUTES: Sequence[Mutant] = (
    Mutant(
        "what is optional makes a task harder",
        "koubou/rules/difficulty.py",
        "        if not below:\n            kept.append(line)\n",
        "        kept.append(line)\n",
        ("tests/unit/test_difficulty.py",),
    ),
    Mutant(
        "few cases prove that a tier does a type poorly",
        "koubou/rules/experience.py",
        "    if cases < ENOUGH:\n        return 0.0\n",
        "    if not cases:\n        return 0.0\n",
        ("tests/unit/test_experience.py",),
    ),
    Mutant(
        "praise hides that a tier does a type poorly",
        "koubou/rules/experience.py",
        "experience.praised >= PRAISED and not _poorly(experience)",
        "experience.praised >= PRAISED",
        ("tests/unit/test_experience.py",),
    ),
    Mutant(
        "history goes before what the file says",
        "koubou/steps/classify.py",
        "    if task.asked_difficulty is None and task.asked_tier is None:\n",
        "    if True:\n",
        ("tests/integration/test_rating.py",),
    ),
    Mutant(
        "a rating that is said twice counts twice",
        "koubou/steps/rate.py",
        'task.tier, rating == "good", task.rated)',
        'task.tier, rating == "good", None)',
        ("tests/integration/test_rating.py",),
    ),
    Mutant(
        "a bad word does not end the praise",
        "koubou/board/sql/experience.sql",
        "CASE WHEN :bad > 0 THEN 0 ELSE praised + max(0, :good) END",
        "praised + max(0, :good)",
        ("tests/contract/test_board_experience.py",),
    ),
    Mutant(
        "an answer that waits is rated",
        "koubou/steps/rate.py",
        "task.status is not Status.COMPLETED or task.tier is None",
        "task.tier is None",
        ("tests/integration/test_rating.py",),
    ),
    Mutant(
        "an answer leaves the marks between which it is judged",
        "koubou/rules/asking.py",
        '    shown = answer.replace(mark, "")\n',
        "    shown = answer\n",
        ("tests/unit/test_asking.py",),
    ),
    Mutant(
        "the best of several scores counts",
        "koubou/rules/asking.py",
        "        return min(told, key=lambda each: each.score)\n",
        "        return max(told, key=lambda each: each.score)\n",
        ("tests/unit/test_asking.py",),
    ),
    Mutant(
        "a judge that is no tier is taken",
        "koubou/config/cross_checks.py",
        '    named.append((("judge", "tier"), settings.judge.tier))\n',
        "",
        ("tests/integration/test_settings.py",),
    ),
)

BENCH: Sequence[Mutant] = (
    Mutant(
        "a tier that is not offered is chosen",
        "koubou/rules/route.py",
        "    if tier.unfit is not None:\n",
        "    if False:\n",
        ("tests/property/test_route_anywhere.py",),
    ),
    Mutant(
        "bad work goes up twice",
        "koubou/rules/route.py",
        "    if task.asked_tier is not None or task.upgraded_to is not None:\n",
        "    if task.asked_tier is not None:\n",
        ("tests/integration/test_after_run.py",),
    ),
    Mutant(
        "a tier behind an open circuit is offered",
        "koubou/rules/breaker.py",
        "circuit is not None and circuit.state is CircuitState.OPEN:\n",
        "False:\n",
        ("tests/property/test_breaker_of_a_workshop.py",),
    ),
    Mutant(
        "a tier that comes back gets as many calls as it has places",
        "koubou/steps/admit.py",
        "            rooms = {} if is_being_tried(shop, tier) else {next(iter(rooms)): 1}\n",
        "            pass\n",
        ("tests/integration/test_after_run.py",),
    ),
    Mutant(
        "a second call is made while the first tries a tier out",
        "koubou/steps/pace.py",
        "            run.tier in behind and run.admitted_at >= circuit.changed_at for run in under_way\n",
        "            run.tier == tier.name and run.admitted_at >= circuit.changed_at for run in under_way\n",
        ("tests/integration/test_after_run.py",),
    ),
    Mutant(
        "a tier that only judges never comes back",
        "koubou/steps/route.py",
        "                decision = _aside(shop, task, shop.tiers)\n",
        "                continue\n",
        ("tests/integration/test_after_run.py",),
    ),
    Mutant(
        "an old call speaks of a circuit as it is now",
        "koubou/rules/breaker.py",
        "    if circuit.state is CircuitState.OPEN or seen.began < circuit.changed_at:\n",
        "    if circuit.state is CircuitState.OPEN:\n",
        ("tests/unit/test_breaker.py",),
    ),
    Mutant(
        "a provider is left alone no longer for being tried in vain",
        "koubou/rules/breaker.py",
        "max(2 * circuit.wait, rules.wait)",
        "rules.wait",
        ("tests/unit/test_breaker.py",),
    ),
    Mutant(
        "silence that a provider asks for is not kept",
        "koubou/steps/pace.py",
        "    moments = [quiet_until(tier, shop.circuits, now) or now]\n",
        "    moments = [now]\n",
        ("tests/property/test_breaker_of_a_workshop.py",),
    ),
    Mutant(
        "twice as much may come at once",
        "koubou/rules/rate.py",
        "    tolerance = max(MINUTE_US // BURST_SHARE, share)\n",
        "    tolerance = max(2 * MINUTE_US // BURST_SHARE, share)\n",
        ("tests/property/test_rate_as_seen.py",),
    ),
    Mutant(
        "what is rounded adds up to a call too many",
        "koubou/rules/rate.py",
        "    return -(-weight * MINUTE_US // per_minute)\n",
        "    return weight * MINUTE_US // per_minute\n",
        ("tests/unit/test_rate.py",),
    ),
    Mutant(
        "who needs few tokens passes by who needs many",
        "koubou/steps/admit.py",
        "            rooms.clear()  #",
        "            pass  #",
        ("tests/unit/test_rate.py",),
    ),
    Mutant(
        "a check of health is sent elsewhere",
        "koubou/backends/health.py",
        "allow_redirects=False",
        "allow_redirects=True",
        ("tests/integration/test_health.py",),
    ),
    Mutant(
        "a check of health goes through a proxy",
        "koubou/backends/health.py",
        "        session.trust_env = False\n",
        "",
        ("tests/integration/test_health.py",),
    ),
    Mutant(
        "a server that drips keeps who asks it",
        "koubou/backends/health.py",
        "        if time.monotonic() > end:\n",
        "        if False:\n",
        ("tests/integration/test_health.py",),
    ),
    Mutant(
        "a schema is fetched",
        "koubou/worker/complete.py",
        ", retriever=_fetch_nothing)",
        ")",
        ("tests/unit/test_complete.py",),
    ),
    Mutant(
        "what a judge says of the work of a tier up sends it round again",
        "koubou/rules/asides.py",
        "    if task.upgraded_to is not None:\n        return False\n",
        "",
        ("tests/unit/test_asides.py",),
    ),
    Mutant(
        "what is secret fails with its local tier",
        "koubou/steps/after_run.py",
        "        case Refused() if error.kind in _DOWN and is_secret(task)",
        "        case Refused() if False and is_secret(task)",
        ("tests/integration/test_after_run.py",),
    ),
    Mutant(
        "a key of a file that may be a secret is shown",
        "koubou/documents/problems.py",
        "    return text if is_word and not random_looking(text) else",
        "    return text if is_word else",
        ("tests/unit/test_checking.py",),
    ),
)

MUTANTS: Sequence[Mutant] = (
    *MONEY,
    *SECRECY,
    *CLAIMS,
    *RECOVERY,
    *PROCESSES,
    *FILES,
    *PERMISSIONS,
    *ROUTES,
    *BENCH,
)
