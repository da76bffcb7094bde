"""Tasks from rows: a file of rows and a template make a task of each row."""
