"""The words of the command, in both languages."""

from __future__ import annotations

import os
from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    # one line a word, sorted: English, Chinese
    "account": ("Account", "账户"),
    "accuracy": ("Accuracy asked", "要求精度"),
    "accurate": ("error ± ({percent})", "误差 ±（{percent}）"),
    "affordable": ("Affordable", "预算足够"),
    "answer": ("Answer", "答案"),
    "as_epsilon": ("as ε", "折合 ε"),
    "assumed": ("assumed size", "按假定规模"),
    "audit.bad": ("The log does NOT verify.", "日志未通过验证。"),
    "audit.good": (
        "The log verifies: {entries} entries, every root, charge and text follows from them.",
        "日志验证通过：共 {entries} 条记录，所有根哈希、扣减与文本均一致。",
    ),
    "binding_units": ("Number of people that are cut", "被截断人数"),
    "bounds": ("One person counts with at most", "每人至多计入"),
    "bounds.value": ("{groups} groups, {rows} rows in each", "{groups} 组，每组 {rows} 行"),
    "charge": ("Charge", "扣减"),
    "choice": ("Choosing these bounds", "选定上述界限"),
    "clip.auto": ("a norm chosen privately when the query runs ({names})", "查询时以隐私方式选定的范数（{names}）"),
    "clip.value": ("{rows} rows in all ({norm} norm of {names})", "合计 {rows} 行（{names} 的 {norm} 范数）"),
    "column": ("Column", "列"),
    "columns": ("Columns", "列"),
    "dataset": ("Data set", "数据集"),
    "demo.answer": ("The answer, with error bars", "答案与误差范围"),
    "demo.audit": ("Anyone with the public keys verifies the log, offline", "凭公钥即可离线验证日志"),
    "demo.budget": ("The budget left; it never refills", "剩余预算；预算不会恢复"),
    "demo.catalogue": ("The catalogue: what can be asked", "目录：可查询的内容"),
    "demo.end": (
        "Done in {seconds} s. State folder and processes are gone.",
        "用时 {seconds} 秒，状态目录与进程均已清除。",
    ),
    "demo.estimate": ("An estimate: price and error, before anything is spent", "估算：花费之前先知道代价与误差"),
    "demo.missing": (
        "The demo data are missing: run `make demo` in a checkout of the project.",
        "缺少演示数据：请在项目目录中运行 make demo。",
    ),
    "demo.prepare": ("Once: keys, data, people, licence", "一次性准备：密钥、数据、人员、许可"),
    "demo.refused": ("Refused, with the reason and what to write instead", "被拒绝的查询：原因与改写建议"),
    "demo.repeat": ("The same question again", "再次提出同一查询"),
    "demo.serve": (
        "Two processes: the gateway holds no data, the sandbox no network",
        "两个进程：网关不持有数据，沙箱不接触网络",
    ),
    "domain": ("people of", "人群"),
    "dry_run": ("DRY RUN: dummy data, made from the card alone", "试运行：仅据数据卡生成的虚拟数据"),
    "dry_run.price": ("Free. The query itself would be charged {price}", "免费。正式查询将扣减 {price}"),
    "epsilon": ("ε", "ε"),
    "estimate": ("Estimate (free)", "估算（免费）"),
    "existing_groups": ("Number of groups that there are", "现存分组数"),
    "expected_size": ("assumed rows of a group: {value}", "假定每组行数：{value}"),
    "expected_value": ("assumed value: {value}", "假定数值：{value}"),
    "groups": ("Not shown", "未列出"),
    "groups.none": (
        "no more groups than shown stand out from the noise (at most {most})",
        "未见更多分组超出噪声（至多 {most} 组）",
    ),
    "groups.some": ("about {number} ± {half} more groups, of too few people", "约另有 {number} ± {half} 组，人数过少"),
    "id": ("Id", "编号"),
    "institution": ("Institution", "机构"),
    "kind": ("Kind", "类型"),
    "left": ("Left", "剩余"),
    "licence": ("licence", "许可"),
    "licences": ("Licences", "许可"),
    "limit": ("Limit", "限额"),
    "log": ("Log", "日志"),
    "meaning": ("Meaning", "含义"),
    "mechanism": ("Noise", "噪声"),
    "more": ("More such queries", "还可进行同类查询"),
    "more.short": ("more", "还可"),
    "no": ("no", "否"),
    "no_interval": ("—", "—"),
    "no_interval.kind": (
        "no interval is known for what is computed here, or noise has chosen its rows",
        "此类计算没有可知的区间，或其行由噪声选出",
    ),
    "no_interval.noise": (
        "the noise is too large for an interval, or known of one part at 95 % only",
        "噪声过大，或仅知其中一部分的 95% 区间",
    ),
    "no_interval.size": ("the answer is too large for computed intervals", "结果过大，不计算区间"),
    "no_interval.type": ("noise takes part in it, and it is no number", "受噪声影响，且不是数值"),
    "per_row": ("± {half} per row of the norm", "范数每行 ± {half}"),
    "plain_rows": ("{rows} rows", "{rows} 行"),
    "not_after": ("Until", "有效期至"),
    "pending": ("Query {id} is under way.", "查询 {id} 正在处理。"),
    "private": ("private", "隐私"),
    "provider": ("Provider", "提供方"),
    "public": ("public", "公开"),
    "query": ("Query", "查询"),
    "receipt": ("Receipt", "回执"),
    "receipt.good": (
        "Entry {index} of the log, of {size} under checkpoint {root}…; checked against the log's public key.",
        "日志第 {index} 条（检查点 {root}… 共 {size} 条），已用日志公钥核验。",
    ),
    "repeat": ("Asked before: free, nothing was charged.", "此前已查询过：免费，未扣减预算。"),
    "rewrite": ("This would be accepted:", "可改写为："),
    "reuse": ("From earlier releases", "取自此前的发布"),
    "reuse.coarser": (
        "possible, at no charge and less exact: {names}; spend less to have that",
        "可行，免费但精度较低：{names}；减少预算即可采用",
    ),
    "reuse.from": (
        "{release}, {measure}, up to {cells} of its groups together",
        "{release}，{measure}，至多合并其 {cells} 组",
    ),
    "reuse.used": ("free: {names}; with fresh noise {price}", "免费：{names}；重新加噪需 {price}"),
    "scale": ("scale", "尺度"),
    "scenario": ("Scenario", "场景"),
    "scenarios": ("Scenarios", "场景"),
    "source": ("Source", "来源"),
    "spent": ("Spent", "已用"),
    "state": ("State", "状态"),
    "table": ("Table", "表"),
    "time": ("Time", "时间"),
    "truncation": ("Cut", "截断"),
    "truncation.value": (
        "about {number} ± {half} people had more than the bounds allow and were cut: ask with wider ones or `auto`",
        "约 {number} ± {half} 人超出界限而被截断：请放宽界限，或用 `auto`",
    ),
    "type": ("Type", "类型"),
    "unproven": (
        "The answer is not shown: it does not stand in the log as it came ({why}).",
        "未显示答案：与日志不符（{why}）。",
    ),
    "unreachable": (
        "The service cannot be reached. A query may have been charged; go on with --idempotency-key {key}",
        "无法连接服务。查询可能已扣减；请使用 --idempotency-key {key} 继续。",
    ),
    "unreachable.reading": ("The service cannot be reached.", "无法连接服务。"),
    "values": ("Values", "取值"),
    "withheld": ("Withheld", "不予发布"),
    "withheld.value": ("groups of fewer than {units} people, by their noisy count", "加噪计数少于 {units} 人的分组"),
    "working": ("asking", "查询中"),
    "yes": ("yes", "是"),
}


class Words:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = 1 if language == "zh" else 0

    def __call__(self, name: str, **fields: object) -> str:
        text = WORDS[name][self._index]
        return text.format(**fields) if fields else text

    def of(self, both: Mapping[str, str] | None) -> str:
        """The text of a card or licence, in this language."""
        return "" if both is None else both[self.language]


def system_language(environment: Mapping[str, str] = os.environ) -> str:
    """`zh` where the environment speaks Chinese, else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "zh" if environment[name].startswith("zh") else "en"
    return "en"
