"""The only room that moves task files: sees them, claims them, reads them within bounds, shelves the answers.

layout   which folder is where, and with which modes
watch    the doorbell: something was dropped
claim    take it by renaming it in place
read     open it with suspicion and make checked requests of it (task_file says what may stand in one)
shelve   refuse it, or make the task's folder and file it away with its answer
"""
