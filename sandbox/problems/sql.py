"""What is told of SQL that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.problems.problem import Problem

SQL_PROBLEMS: Mapping[str, Problem] = {
    # one line a code, sorted
    "sql.aggregate": Problem(
        422,
        "The aggregate {function} is not offered; COUNT, SUM, AVG, quantiles, variances and regressions are.",
        "不提供聚合函数 {function}，可用 COUNT、SUM、AVG、分位数、方差与回归类。",
    ),
    "sql.aggregate_place": Problem(
        422,
        "An aggregate cannot stand here: it needs whole groups, not rows.",
        "聚合函数不能用在这里：它作用于分组，而不是行。",
    ),
    "sql.alias_columns": Problem(422, "The alias lists more columns than there are.", "别名列出的列数多于实际列数。"),
    "sql.ambiguous_column": Problem(
        422,
        "The column {column} could be that of several tables; write table.{column}.",
        "列 {column} 在多张表中都存在，请写成 表名.{column}。",
    ),
    "sql.cast_type": Problem(422, "There is no cast to {type}.", "不支持转换为类型 {type}。"),
    "sql.clock": Problem(
        422,
        "The present date or time is not known here; write the date as a constant.",
        "此处不提供当前日期或时间，请写成常量日期。",
    ),
    "sql.correlated": Problem(
        422,
        "A subquery can name columns of the query right around it, in its WHERE or select list; {column} is not so.",
        "子查询只能在 WHERE 或选择列表中引用其直接外层查询的列，{column} 不符合。",
    ),
    "sql.correlated_value": Problem(
        422,
        "Only equalities of columns with values, in its WHERE, tie an aggregate in a subquery to the rows around it.",
        "只有 WHERE 中有值列的相等条件才能把子查询中的聚合与外层行关联。",
    ),
    "sql.count_distinct": Problem(
        422, "COUNT(DISTINCT …) counts one expression.", "COUNT(DISTINCT …) 只能统计一个表达式。"
    ),
    "sql.distinct": Problem(
        422,
        "DISTINCT over private rows must show the unit key; else use GROUP BY with an aggregate.",
        "对隐私行使用 DISTINCT 时必须包含隐私单元键，否则请使用 GROUP BY 加聚合。",
    ),
    "sql.join_condition": Problem(422, "An outer join needs a condition.", "外连接必须有连接条件。"),
    "sql.lateral": Problem(
        422,
        "A subquery in FROM cannot name columns of the tables before it; join it on what ties them.",
        "FROM 中的子查询不能引用前面各表的列，请改为按关联条件连接。",
    ),
    "sql.limit": Problem(422, "LIMIT and OFFSET take a whole number.", "LIMIT 与 OFFSET 只接受整数。"),
    "sql.literal": Problem(422, "{text} cannot be read as {type}.", "{text} 不能读作 {type}。"),
    "sql.literal_argument": Problem(
        422,
        "Argument {position} of {function} must be a constant.",
        "函数 {function} 的第 {position} 个参数必须是常量。",
    ),
    "sql.no_aggregate": Problem(422, "The groups have no aggregate; add COUNT(*).", "分组缺少聚合，请加上 COUNT(*)。"),
    "sql.no_table": Problem(422, "The query reads no table.", "该查询没有读取任何表。"),
    "sql.not_grouped": Problem(
        422,
        "The column {column} must be in GROUP BY or inside an aggregate.",
        "列 {column} 必须出现在 GROUP BY 或聚合函数中。",
    ),
    "sql.not_select": Problem(
        422, "Only a SELECT can be asked; nothing is written or set here.", "只接受 SELECT 查询，此处不能写入或设置。"
    ),
    "sql.number": Problem(422, "The number {number} is out of range.", "数值 {number} 超出范围。"),
    "sql.one_unit": Problem(
        422,
        "{column} leads to one row of one person, so that no group by it can be shown; group by it in a derived table.",
        "{column} 只对应某一个人的一行记录，按它分组的结果不能显示；请在派生表中按它分组后再聚合。",
    ),
    "sql.ordinal": Problem(422, "There is no item {position} in the select list.", "选择列表中没有第 {position} 项。"),
    "sql.parameter": Problem(422, "Parameters cannot be bound; write the constant.", "不支持绑定参数，请直接写常量。"),
    "sql.set_operation": Problem(
        422,
        "{what} is not offered, for it counts equal rows; leave ALL out.",
        "不支持 {what}（按重复行计数），请去掉 ALL。",
    ),
    "sql.set_units": Problem(
        422,
        "{what} of private rows needs the unit key among the columns of both sides; UNION ALL does not.",
        "对隐私数据行做 {what} 时，两侧的列中都必须有隐私单元键；UNION ALL 则不需要。",
    ),
    "sql.several_statements": Problem(400, "There is more than one statement.", "只能包含一条语句。"),
    "sql.star_grouped": Problem(
        422, "* cannot stand beside aggregates; name the group keys.", "* 不能与聚合一起使用，请写出分组列。"
    ),
    "sql.subquery": Problem(
        422,
        "A subquery cannot stand here: it can in FROM, EXISTS, IN, ANY and ALL.",
        "子查询不能用在这里：可用于 FROM、EXISTS、IN、ANY 与 ALL。",
    ),
    "sql.subquery_columns": Problem(
        422, "A subquery that is compared with must have one column.", "用于比较的子查询必须只有一列。"
    ),
    "sql.subquery_rows": Problem(
        422,
        "A subquery in an expression must release one column and at most one row.",
        "表达式中的子查询必须只发布一列，且至多一行。",
    ),
    "sql.syntax": Problem(400, "The SQL cannot be read: {what}.", "无法解析该 SQL：{what}。"),
    "sql.table_function": Problem(
        422,
        "Only tables of the catalogue can be read, not what {function} gives.",
        "只能读取目录中的表，不能读取 {function} 的结果。",
    ),
    "sql.too_complex": Problem(
        422, "The SQL takes too long to read; make it simpler.", "该 SQL 过于复杂，无法在限定时间内解析，请简化。"
    ),
    "sql.too_deep": Problem(422, "The SQL is nested deeper than {limit} levels.", "该 SQL 嵌套超过 {limit} 层。"),
    "sql.too_large": Problem(
        422, "The SQL is too large: {what}, at most {limit}.", "该 SQL 过大：{what}，上限为 {limit}。"
    ),
    "sql.union_columns": Problem(
        422, "The rows of {what} must have the same number of columns.", "{what} 各行的列数必须相同。"
    ),
    "sql.unit_value": Problem(
        422,
        "A unit key has no value: count it with COUNT(DISTINCT …) or join on it.",
        "隐私单元键没有取值：只能用 COUNT(DISTINCT …) 计数或用于连接。",
    ),
    "sql.unknown_column": Problem(
        422, "There is no column {column}; there are: {known}.", "没有列 {column}，现有：{known}。"
    ),
    "sql.unknown_dataset": Problem(
        422,
        "There is no data set {dataset} in reach; there are: {known}.",
        "没有可用的数据集 {dataset}，现有：{known}。",
    ),
    "sql.unknown_function": Problem(422, "There is no function {function}.", "没有函数 {function}。"),
    "sql.unknown_table": Problem(
        422, "There is no table {table}; there are: {known}.", "没有表 {table}，现有：{known}。"
    ),
    "sql.unsupported": Problem(
        422,
        "{what} is not offered: what has no rule that keeps privacy is refused.",
        "不支持 {what}：没有隐私规则的写法一律拒绝。",
    ),
    "sql.volatile": Problem(
        422,
        "{function} is another one each time; a sample is needless: all rows are counted, and the noise protects them.",
        "{function} 每次取值不同，无法使用；也无需抽样：统计全部行，由噪声提供保护。",
    ),
    "sql.window": Problem(
        422,
        "Over private rows a window is one unit's: PARTITION BY must name the unit key.",
        "对隐私行使用窗口函数时，PARTITION BY 必须包含隐私单元键。",
    ),
    "sql.window_place": Problem(
        422,
        "A window function can stand in the select list, QUALIFY and ORDER BY only.",
        "窗口函数只能出现在选择列表、QUALIFY 和 ORDER BY 中。",
    ),
}
