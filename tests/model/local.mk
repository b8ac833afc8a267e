# Tests of the module model.
