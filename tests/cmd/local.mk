# Tests of the module cmd.
