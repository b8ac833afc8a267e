# Tests of the module measure.
