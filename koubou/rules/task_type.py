"""Which type of task it is when its file does not say: by the words of its title and its request."""

from __future__ import annotations

from koubou.model.decision import Reason
from koubou.model.task import TaskRequest
from koubou.rules.task_type_words import QUESTION, TEXTWORK, WORDS

_OPENING = 240
"""People say what they want at the beginning: words there count three times."""
_READ = 2_000
_FIRST, _MOST, _PLAIN = 3, 2, 3


def find_type(request: TaskRequest) -> tuple[str, Reason]:
    """The type that the file asks for, else the one whose words are said most and first; else question or general."""
    if request.type is not None:
        return request.type, Reason(rule="type.asked", reason=f"the task file says {request.type}")
    text = f"{request.title}\n{wish(request)}".strip().lower()[:_READ]
    opening = text[:_OPENING]
    if TEXTWORK.search(opening):
        return "general", Reason(rule="type.text", reason="it asks for work on a text")
    scores = {}
    for name, words in WORDS.items():
        for stem in words.stems:
            if stem in text:
                break
        else:
            continue
        first = min(_MOST, len(words.said.compiled.findall(opening))) * _FIRST
        said = words.weight * (first + min(_MOST, len(words.said.compiled.findall(text, _OPENING))))
        if said:
            scores[name] = said
    if scores:
        best = max(scores, key=lambda name: scores[name])
        if scores[best] >= _PLAIN or not QUESTION.search(opening):
            return best, Reason(rule="type.words", reason=f"its words speak of {best.replace('_', ' ')}")
    if QUESTION.search(opening):
        return "question_answering", Reason(rule="type.question", reason="it asks a question")
    return "general", Reason(rule="type.general", reason="no word tells the type")


def wish(request: TaskRequest) -> str:
    """What the person says: the prompt, or the last message of the user."""
    if request.prompt:
        return request.prompt
    said = [message.content for message in request.messages if message.role == "user"]
    return said[-1] if said else ""
