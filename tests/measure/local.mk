# Tests of the module measure.
if HAVE_CMOCKA
check_PROGRAMS += tests/measure/test_data
TESTS += tests/measure/test_data
tests_measure_test_data_SOURCES = %D%/test_data.c
tests_measure_test_data_CPPFLAGS = $(test_cppflags)
tests_measure_test_data_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_plan
check_PROGRAMS += tests/measure/test_plan
TESTS += tests/measure/test_plan
tests_measure_test_plan_SOURCES = %D%/test_plan.c
tests_measure_test_plan_CPPFLAGS = $(test_cppflags)
tests_measure_test_plan_LDADD = $(test_libs)

valgrind_tests += tests/measure/test_stats
check_PROGRAMS += tests/measure/test_stats
TESTS += tests/measure/test_stats
tests_measure_test_stats_SOURCES = %D%/test_stats.c
tests_measure_test_stats_CPPFLAGS = $(test_cppflags)
tests_measure_test_stats_LDADD = $(test_libs)
endif
