# Tests of the module transport.
