# Tests of the module launch.
