# Tests of the module report.
if HAVE_CMOCKA
valgrind_tests += tests/report/test_table
check_PROGRAMS += tests/report/test_table
TESTS += tests/report/test_table
tests_report_test_table_SOURCES = %D%/test_table.c tests/measure/result_sample.c \
	tests/measure/result_sample.h
tests_report_test_table_CPPFLAGS = $(test_cppflags) -I$(srcdir)
tests_report_test_table_LDADD = $(test_libs)
endif

TESTS += tests/report/test_report.sh
EXTRA_DIST += tests/report/test_report.sh %D%/documents %D%/goldens
