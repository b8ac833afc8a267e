# Tests of the module report.
