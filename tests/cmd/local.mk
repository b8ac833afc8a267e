# Tests of the module cmd.
TESTS += tests/cmd/test_usage.sh
EXTRA_DIST += tests/cmd/test_usage.sh
