"""The operation that gives a page the words of its language, where nothing around it has them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from jupyter_modeldeploy import languages
from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.workspace import Workspace


class SeeTexts(Request):
    language: str = Field(max_length=35, description="as browsers name it: zh-CN")


class Texts(BaseModel):
    texts: dict[str, list[str]] = Field(description="by the English text its forms, of which most have one")


def see_texts(workspace: Workspace, request: SeeTexts) -> Texts:
    """The interface's texts in a language; none for one that they were not translated into."""
    return Texts(texts=languages.texts(request.language))


TEXTS = (Operation("see_texts", "GET", "texts", "read", SeeTexts, Texts, see_texts),)
