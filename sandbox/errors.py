"""One root for everything that ends a request: a Refusal is the caller's to mend, a Fault is ours.

A refusal's text is made from the request, the card and the policy only, never from data or an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.problems.problem import Problem
from sandbox.problems.sql import SQL_PROBLEMS
from sandbox.problems.state import STATE_PROBLEMS


@dataclass(frozen=True, slots=True)
class Span:
    """A place in the SQL text: characters [start, end)."""

    start: int
    end: int


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
    query: int | None = None
    """Which one of several it is about, counted from 0."""
    after: int | None = None
    """Seconds after which the same may be asked again, where that is known."""
    rules: tuple[str, ...] = ()
    """Ids of the policy rules that decided, where rules did."""

    def __post_init__(self) -> None:
        if self.code not in PROBLEMS:
            raise Fault(f"unknown refusal code {self.code}")


def told(refusal: Refusal) -> str:
    """A refusal for the operator's own terminal: a line in each language."""
    problem = PROBLEMS[refusal.code]
    return "".join(f"{refusal.code}: {each.format_map(refusal.detail)}\n" for each in (problem.zh, problem.en))


class Fault(VitrineError):
    """An invariant of ours is broken. Its text goes to the operator's own terminal in tests only, never to a caller."""


PROBLEMS: Mapping[str, Problem] = {
    # one line a code; grouped by prefix, sorted within the group
    "budget.below_spent": Problem(
        409, "More than that is already spent of the budget of {account}.", "{account} 的预算已使用超过该限额。"
    ),
    "budget.exhausted": Problem(
        409,
        "The budget of the {kind} {account} does not cover this request; it never refills.",
        "{account}（{kind}）的隐私预算不足以支付该请求；预算不会恢复。",
    ),
    "budget.too_large": Problem(422, "The budget is larger than the ledger can hold.", "预算超出账本可记录的范围。"),
    "budget.unknown": Problem(404, "There is no such account: {account}.", "没有该账户：{account}。"),
    "dataset.unknown": Problem(404, "There is no data set {dataset}.", "没有数据集 {dataset}。"),
    "dataset.withdrawn": Problem(403, "The data set {dataset} was withdrawn.", "数据集 {dataset} 已撤回。"),
    "identity.components": Problem(
        401,
        "The signature must cover {components}, in this order and nothing else.",
        "签名必须依次且仅覆盖 {components}。",
    ),
    "identity.key_expired": Problem(401, "The signing key has expired.", "签名密钥已过期。"),
    "identity.key_revoked": Problem(401, "The signing key was revoked.", "签名密钥已吊销。"),
    "identity.parameters": Problem(
        401, "The signature must carry exactly the parameters {parameters}.", "签名必须且只能带有参数 {parameters}。"
    ),
    "identity.replayed": Problem(401, "The nonce was used before.", "该随机数已被使用。"),
    "identity.signature": Problem(401, "The signature does not fit the request.", "签名与请求不符。"),
    "identity.time": Problem(
        401,
        "The signature must be made within the last {seconds} seconds; check the clock.",
        "签名必须在最近 {seconds} 秒内生成，请检查时钟。",
    ),
    "identity.unknown_key": Problem(401, "The signing key is not registered.", "签名密钥未登记。"),
    "identity.unsigned": Problem(
        401, "The request must carry exactly one signature.", "请求必须带有且仅带有一个签名。"
    ),
    "licence.expired": Problem(403, "The licence {licence} has expired.", "许可 {licence} 已到期。"),
    "licence.not_yet": Problem(403, "The licence {licence} is not yet in force.", "许可 {licence} 尚未生效。"),
    "licence.revoked": Problem(403, "The licence {licence} was revoked.", "许可 {licence} 已吊销。"),
    "licence.suspended": Problem(403, "The licence {licence} is suspended.", "许可 {licence} 已暂停。"),
    "licence.unknown": Problem(404, "There is no licence {licence} of this institution.", "该机构没有许可 {licence}。"),
    "limit.institution_places": Problem(
        429,
        "Your institution has {limit} requests under way, as many as it may; send this one again when one has ended.",
        "贵机构已有 {limit} 个请求正在处理，达到上限；请待其中之一完成后重新发送。",
    ),
    "limit.institution_rate": Problem(
        429,
        "Your institution may send {limit} requests a minute; send this one again in {seconds} seconds.",
        "贵机构每分钟至多发送 {limit} 个请求；请在 {seconds} 秒后重新发送。",
    ),
    "limit.person_places": Problem(
        429,
        "You have {limit} requests under way, as many as you may; send this one again when one has ended.",
        "您已有 {limit} 个请求正在处理，达到上限；请待其中之一完成后重新发送。",
    ),
    "limit.person_rate": Problem(
        429,
        "You may send {limit} requests a minute; send this one again in {seconds} seconds.",
        "您每分钟至多发送 {limit} 个请求；请在 {seconds} 秒后重新发送。",
    ),
    "plan.cells": Problem(
        422, "The groups have {cells} cells; at most {limit} are allowed.", "分组共有 {cells} 个单元，上限为 {limit}。"
    ),
    "plan.domains": Problem(
        422, "Relations about different unit domains cannot be combined.", "不能合并属于不同隐私单元域的关系。"
    ),
    "plan.exists_private": Problem(
        422,
        "Whether private rows exist cannot be asked of public ones; count them by group instead.",
        "不能以公开数据行查询隐私数据行是否存在，请改用分组计数。",
    ),
    "plan.invalid": Problem(422, "The plan is malformed: {what}.", "查询计划无效：{what}。"),
    "plan.join_preserved": Problem(
        422,
        "An outer join with a public table must keep the private side, not the public one.",
        "与公开表做外连接时，只能保留隐私一侧的行。",
    ),
    "plan.join_unit": Problem(
        422,
        "Two private tables can be joined only where their unit keys are equal, as a term of ON.",
        "两张隐私表只能在 ON 中以隐私单元键相等的条件连接。",
    ),
    "plan.literal": Problem(
        422,
        "Argument {position} of {function} must be a suitable literal.",
        "函数 {function} 的第 {position} 个参数必须是合适的字面量。",
    ),
    "plan.not_private": Problem(
        422,
        "A noisy aggregate needs a private table; this one has only public data.",
        "加噪聚合必须基于隐私表，此处只有公开数据。",
    ),
    "plan.order": Problem(
        422,
        "Order and limit apply to released results only, not to private rows.",
        "排序与限行只能用于已发布的结果，不能用于隐私行。",
    ),
    "plan.overflow": Problem(
        422,
        "The total of {aggregate} could exceed what exact arithmetic holds; use a smaller range.",
        "{aggregate} 的合计可能超出精确运算范围，请缩小取值范围。",
    ),
    "plan.private_keys_pure": Problem(
        422,
        "A pure licence releases public group keys only; group by columns with a value set.",
        "纯差分隐私许可只能按公开取值集分组，请按有取值集的列分组。",
    ),
    "plan.raw_rows": Problem(
        422,
        "Private rows cannot be shown; ask for counts, sums or averages.",
        "不能直接输出隐私数据行，请改用计数、求和或均值。",
    ),
    "plan.row_order": Problem(
        422,
        "Rows of the public table {table} have no order of their own, for it declares no key; order by ranks or ranges.",
        "公开表 {table} 未声明主键，其行没有固有顺序；请改用名次或范围。",
    ),
    "plan.too_slow": Problem(
        422,
        "By the declared sizes the query could run longer than {seconds} seconds; bound or simplify it.",
        "按申报规模，该查询可能运行超过 {seconds} 秒；请加以限制或简化。",
    ),
    "plan.too_large": Problem(
        422, "The query is too large: {what}, at most {limit}.", "查询过大：{what}，上限为 {limit}。"
    ),
    "plan.type": Problem(
        422, "{function} does not take arguments of type {types}.", "{function} 不接受类型为 {types} 的参数。"
    ),
    "plan.unbounded_sum": Problem(
        422,
        "The range of the values added up is unknown; write clamp(x, lo, hi), or ask for a sum or average with "
        '`"ranges": "auto"` and bounds chosen privately.',
        '求和的取值范围未知，请写成 clamp(x, 下限, 上限)；求和或平均也可用 `"ranges": "auto"` 并以隐私方式选定界限。',
    ),
    "plan.union_kinds": Problem(
        422,
        "A union takes private rows of one unit domain, or public rows: not both.",
        "合并查询只能合并同一隐私单元域的隐私数据行，或只合并公开数据行。",
    ),
    "plan.unit_value": Problem(
        422, "A unit key has no value: {function} cannot use it.", "隐私单元键没有取值，不能用于 {function}。"
    ),
    "plan.unknown_column": Problem(
        422, "There is no column {column} in table {table}.", "表 {table} 中没有列 {column}。"
    ),
    "plan.unknown_function": Problem(422, "There is no function {function}.", "没有函数 {function}。"),
    "plan.unknown_table": Problem(
        422, "There is no table {table} in data set {dataset}.", "数据集 {dataset} 中没有表 {table}。"
    ),
    "plan.worker_limits": Problem(
        422,
        "This takes more time or memory than a worker has for what nobody is charged for; ask for fewer rows.",
        "不计费的查询所需时间或内存超过工作进程的上限；请减少行数。",
    ),
    "policy.closed": Problem(403, "The data set {dataset} is not open.", "数据集 {dataset} 不予开放。"),
    "policy.column": Problem(
        403, "The licence {licence} does not cover: {columns}.", "许可 {licence} 未涵盖：{columns}。"
    ),
    "policy.denied": Problem(403, "Not allowed: {action} (rules: {rules}).", "不允许：{action}（规则：{rules}）。"),
    "policy.institution": Problem(403, "It belongs to another institution ({rules}).", "该项属于其他机构（{rules}）。"),
    "policy.output": Problem(
        403, "The licence {licence} allows no output of kind {output}.", "许可 {licence} 不允许输出类型 {output}。"
    ),
    "policy.scenario": Problem(
        403,
        "The licence {licence} was not granted for the scenario {scenario}.",
        "许可 {licence} 未授权用于场景 {scenario}。",
    ),
    "policy.scope": Problem(
        403, "The licence {licence} does not cover: {tables}.", "许可 {licence} 未涵盖：{tables}。"
    ),
    "policy.suspended": Problem(403, "The person or institution is suspended.", "该人员或机构已被暂停。"),
    "registry.card": Problem(
        409,
        "The card of {dataset} does not continue the loaded one: {what}.",
        "数据集 {dataset} 的数据卡与已加载的不一致：{what}。",
    ),
    "registry.exists": Problem(409, "{what} is already registered.", "{what} 已登记。"),
    "registry.state": Problem(409, "{what} is {state}.", "{what} 的状态为 {state}。"),
    "registry.unknown": Problem(404, "{what} is not registered.", "{what} 未登记。"),
    "request.body": Problem(422, "The request body cannot be used: {what}.", "请求正文无效：{what}。"),
    "request.encoding": Problem(
        415, "The body is taken as it is, without Content-Encoding.", "请求正文不得使用 Content-Encoding 编码。"
    ),
    "request.format": Problem(406, "The answer can be written as {formats} only.", "该回答只能以 {formats} 格式给出。"),
    "request.frame": Problem(400, "The frame is malformed.", "帧格式错误。"),
    "request.head": Problem(431, "The request's headers are larger than {limit} bytes.", "请求头超过 {limit} 字节。"),
    "request.header": Problem(400, "The header {header} is repeated.", "请求头 {header} 重复出现。"),
    "request.idempotency_conflict": Problem(
        409, "The idempotency key was used with another request.", "该幂等键已用于另一请求。"
    ),
    "request.http": Problem(400, "This is no HTTP/1.1 request.", "不是有效的 HTTP/1.1 请求。"),
    "request.media_type": Problem(415, "The body is {media}.", "请求正文须为 {media}。"),
    "request.method": Problem(405, "The resource does not know the method {method}.", "该资源不支持 {method} 方法。"),
    "request.range": Problem(400, "The parameters of the request are not usable.", "请求参数不可用。"),
    "request.route": Problem(404, "There is no such resource.", "没有该资源。"),
    "request.slow": Problem(
        408, "The request took too long to arrive; send it again.", "请求未能及时送达，请重新发送。"
    ),
    "request.too_large": Problem(413, "The body is larger than {limit} bytes.", "请求正文超过 {limit} 字节。"),
    "service.busy": Problem(
        503, "The service is busy; send the same request again later.", "服务繁忙，请稍后以同一请求重试。"
    ),
    "service.failed": Problem(
        500,
        "The request could not be carried out. A charge that was made stands.",
        "请求未能完成；已发生的扣减不退回。",
    ),
    "service.storage": Problem(
        503,
        "The service can store nothing at present. Nothing is lost: send the same request again later, it is carried out "
        "and charged once.",
        "服务目前无法写入存储，已有内容不会丢失；请稍后以同一请求重试，只会执行并扣减一次。",
    ),
    "service.unreachable": Problem(
        503,
        "The sandbox cannot be reached; send the same request again later.",
        "暂时无法连接沙箱，请稍后以同一请求重试。",
    ),
    **SQL_PROBLEMS,
    **STATE_PROBLEMS,
    "spend.above_most": Problem(
        422,
        "That accuracy costs {cost}, more than the at_most of the request; allow more or ask for less.",
        "该精度需花费 {cost}，超过请求所限的 at_most；请提高上限或降低精度。",
    ),
    "spend.at_most": Problem(
        422,
        "A query that names an accuracy says what it may cost at most (at_most); the estimate tells the price.",
        "以精度提出的查询须写明花费上限 (at_most)；可先用估算得知价格。",
    ),
    "spend.column": Problem(
        422,
        "The answer has no column {column} that is an aggregate as it is measured.",
        "答案中没有直接为度量聚合的列 {column}。",
    ),
    "spend.expected_size": Problem(
        422,
        "The error of {column} depends on how many rows a group has; give expected_size, or name another column.",
        "{column} 的误差取决于每组行数；请给出 expected_size，或指定其他列。",
    ),
    "spend.expected_value": Problem(
        422,
        "What {column} is relative to is not known; name one column and give expected_value.",
        "{column} 的相对误差缺少基准；请指定一列并给出 expected_value。",
    ),
    "spend.notion": Problem(422, "Under a pure licence the spend is an ε.", "纯差分隐私许可下的花费必须以 ε 表示。"),
    "spend.too_small": Problem(
        422,
        "The spend is too small for what is asked; spend more or ask for less.",
        "花费过小，不足以支付所查询的内容，请增加花费或减少查询内容。",
    ),
    "spend.unreachable": Problem(
        422, "No budget would make the answer that exact; ask for less.", "任何预算都无法达到该精度，请降低要求。"
    ),
    "policy.invalid": Problem(500, "The policy cannot be used: {what}.", "策略文件无效：{what}。"),
}
