"""Expectations of a Parquet file, in Great Expectations on pandas."""

import sys
import warnings

warnings.simplefilter("ignore")

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas

from measured import measured, print_result

path, rows = sys.argv[1], int(sys.argv[2])
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("files").add_dataframe_asset("rows")
whole = asset.add_batch_definition_whole_dataframe("whole")
numbers = [f"f{n}" for n in range(14)]
suite = context.suites.add(
    gx.ExpectationSuite(
        name="suite",
        expectations=[
            gxe.ExpectTableRowCountToBeBetween(min_value=rows, max_value=rows),
            gxe.ExpectColumnValuesToBeUnique(column="id"),
            *[gxe.ExpectColumnValuesToNotBeNull(column=name) for name in [*numbers, "id", "ent", "s0", "s1"]],
            *[gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=200_000) for name in numbers],
            gxe.ExpectColumnValuesToBeInSet(column="s0", value_set=[f"value {n}" for n in range(100)]),
            gxe.ExpectColumnValuesToMatchRegex(column="s1", regex="^value [0-9]+$"),
            gxe.ExpectColumnValueLengthsToBeBetween(column="s1", min_value=7, max_value=10),
            gxe.ExpectColumnMeanToBeBetween(column="f0", min_value=0, max_value=100_000),
        ],
    )
)
definition = context.validation_definitions.add(gx.ValidationDefinition(name="all", data=whole, suite=suite))


def validate():
    return definition.run(batch_parameters={"dataframe": pandas.read_parquet(path)})


usage, result = measured(validate)
print_result(**usage, kept=bool(result.success), expectations=len(result.results))
