"""Problems that an operator meets at the sandbox's own terminal: files, keys, loads, state, log and backups."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.problems.problem import Problem

STATE_PROBLEMS: Mapping[str, Problem] = {
    # one line a code; grouped by prefix, sorted within the group
    "backup.checkpoint": Problem(
        422,
        "{file} holds no checkpoint of this log, nor a receipt with one.",
        "{file} 中没有该日志的检查点，也没有含检查点的回执。",
    ),
    "backup.invalid": Problem(500, "The backup cannot be used: {what}.", "备份不可用：{what}。"),
    "backup.unchecked": Problem(
        409,
        "Nothing tells whether the backup is the newest state; give a checkpoint or receipt kept elsewhere, or say "
        "--nothing-newer when nothing was charged after it.",
        "无从判断该备份是否为最新状态；请提供另行保存的检查点或回执，或在其后确无扣减时以 --nothing-newer 声明。",
    ),
    "file.exists": Problem(409, "{file} exists already.", "{file} 已存在。"),
    "key.exists": Problem(409, "There is a file {file} already.", "文件 {file} 已存在。"),
    "key.exposed": Problem(
        500,
        "The key file {file} must be readable by its owner alone (mode 0600).",
        "密钥文件 {file} 只能由其所有者读取（权限 0600）。",
    ),
    "key.unreadable": Problem(
        500, "The file {file} holds no Ed25519 key that can be read.", "文件 {file} 中没有可读取的 Ed25519 密钥。"
    ),
    "load.busy": Problem(
        409, "Another load of unit domain {domain} is under way.", "单元域 {domain} 正在进行另一次加载。"
    ),
    "load.failed": Problem(500, "The load could not be carried out: {what}.", "加载未能完成：{what}。"),
    "load.files": Problem(422, "The files do not match the card's tables: {what}.", "文件与数据卡中的表不符：{what}。"),
    "load.rejected": Problem(
        422,
        "The data violate the card of {dataset}; nothing was loaded.",
        "数据不符合 {dataset} 的数据卡，未加载任何内容。",
    ),
    "log.origin": Problem(
        409,
        "The log is called {origin} already; the new one needs another name.",
        "日志已名为 {origin}，新日志须另取名称。",
    ),
    "log.restarted": Problem(
        409,
        "Charges of this log were lost, so no account is opened or raised any more.",
        "该日志曾丢失扣减记录，因此不再开立账户或提高限额。",
    ),
    "log.rolled_back": Problem(
        500,
        "The database has {found} entries of the log, and a checkpoint over {told} was told: it was rolled back, or is "
        "another one. What was charged since is lost, so nothing is answered from it.",
        "数据库中的日志有 {found} 条，而已出示的检查点为 {told} 条：数据库被回滚或替换，其后的扣减已丢失，不予应答。",
    ),
    "log.sound": Problem(
        409, "Nothing of the log is lost: it goes on as it is.", "日志没有丢失，可照常继续，无需重新开始。"
    ),
    "log.unmarked": Problem(
        500,
        "The file {file}, which holds the newest checkpoint told, is missing, damaged, or of another key.",
        "保存最新已出示检查点的文件 {file} 缺失、已损坏或属于另一密钥。",
    ),
    "settings.invalid": Problem(500, "The settings cannot be used: {what}.", "配置无效：{what}。"),
    "settings.unconfined": Problem(
        500,
        "This machine does not offer these layers of confinement: {layers}. Offer them, or name them in "
        "without_layers.",
        "本机缺少以下隔离层：{layers}。请启用，或在 without_layers 中逐一写明放弃。",
    ),
    "state.busy": Problem(
        409,
        "Another process serves or copies this state folder; end it first.",
        "另一进程正在使用或备份该状态文件夹，请先结束它。",
    ),
    "state.changed": Problem(
        409,
        "What the decision rested on has changed ({what}); send the request again.",
        "判定所依据的状态已变化（{what}），请重新发送请求。",
    ),
    "state.database": Problem(500, "The database cannot be used ({what}).", "数据库无法使用（{what}）。"),
    "state.disk": Problem(
        500,
        "A file cannot be read or written: {what}. Mend it and run the command again.",
        "文件无法读写：{what}。请排除后重新运行。",
    ),
    "state.exists": Problem(
        409, "The folder {folder} is not an empty one of your own.", "文件夹 {folder} 不是您自己的空文件夹。"
    ),
    "vault.damaged": Problem(500, "The sealed file {file} is missing or damaged.", "加密文件 {file} 缺失或已损坏。"),
    "vault.exists": Problem(409, "There is a vault in this folder already.", "该目录中已有密钥库。"),
    "vault.key": Problem(
        500, "The vault key is missing, malformed, or readable by others.", "密钥库密钥缺失、格式错误或可被他人读取。"
    ),
    "vault.rotating": Problem(
        500,
        "The vault's key is being changed; run `vitrine vault rotate` again to finish it.",
        "密钥库正在更换密钥；请再次运行 `vitrine vault rotate` 以完成。",
    ),
}
