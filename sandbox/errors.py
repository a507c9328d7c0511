"""One root for everything that ends a request: a Refusal is the caller's to mend, a Fault is ours.

A refusal's text is made from the request, the card and the policy only, never from data or an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the SQL text: characters [start, end)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One code of the closed list: its HTTP status and its sentence in both languages.

    Sentences are `str.format` templates over the refusal's `detail`.
    """

    status: int
    en: str
    zh: str


class VitrineError(Exception):
    """The root of all errors of the sandbox."""


@dataclass(eq=False)
class Refusal(VitrineError):
    """The request is not carried out, nothing was charged, and the caller can learn why."""

    code: str
    """A name of `PROBLEMS`."""
    detail: Mapping[str, str] = field(default_factory=dict)
    """Words for the sentence, from request, card or policy."""
    span: Span | None = None
    rewrite: str | None = None
    """A query that would be accepted."""
    subject: str | None = None
    """The plan's generated name it is about (`a1`, `a1.argument`, `k1`), where the span is not known yet."""

    def __post_init__(self) -> None:
        if self.code not in PROBLEMS:
            raise Fault(f"unknown refusal code {self.code}")


class Fault(VitrineError):
    """An invariant of ours is broken. Its text goes to the operator's own terminal in tests only, never to a caller."""


PROBLEMS: Mapping[str, Problem] = {
    # one line a code; grouped by prefix, sorted within the group
    "request.body": Problem(422, "The request body cannot be used: {what}.", "请求正文无效：{what}。"),
    "request.frame": Problem(400, "The frame is malformed.", "帧格式错误。"),
    "request.header": Problem(400, "The header {header} is repeated.", "请求头 {header} 重复出现。"),
    "request.route": Problem(404, "There is no such resource.", "没有该资源。"),
    "request.too_large": Problem(413, "The body is larger than {limit} bytes.", "请求正文超过 {limit} 字节。"),
    "service.busy": Problem(503, "The service is busy; send the same request again later.", "服务繁忙，请稍后以同一请求重试。"),
    "service.failed": Problem(500, "The request could not be carried out. A charge that was made stands.", "请求未能完成；已发生的扣减不退回。"),
    "settings.invalid": Problem(500, "The settings cannot be used: {what}.", "配置无效：{what}。"),
}
