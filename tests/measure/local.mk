# Tests of the module measure.
if HAVE_CMOCKA
valgrind_tests += tests/measure/test_stats
check_PROGRAMS += tests/measure/test_stats
TESTS += tests/measure/test_stats
tests_measure_test_stats_SOURCES = %D%/test_stats.c
tests_measure_test_stats_CPPFLAGS = $(test_cppflags)
tests_measure_test_stats_LDADD = $(test_libs)
endif
