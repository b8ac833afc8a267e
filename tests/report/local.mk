# Tests of the module report.
if HAVE_CMOCKA
valgrind_tests += tests/report/test_table
check_PROGRAMS += tests/report/test_plot tests/report/test_table
TESTS += tests/report/test_plot tests/report/test_table
tests_report_test_plot_SOURCES = %D%/test_plot.c
tests_report_test_plot_CPPFLAGS = $(test_cppflags) -I$(srcdir) -I$(srcdir)/src
tests_report_test_plot_LDADD = $(test_libs)
tests_report_test_table_SOURCES = %D%/test_table.c
tests_report_test_table_CPPFLAGS = $(test_cppflags) -I$(srcdir)
tests_report_test_table_LDADD = $(test_libs)
endif

report_tests = tests/report/test_html.sh tests/report/test_report.sh
TESTS += $(report_tests)
EXTRA_DIST += $(report_tests) %D%/documents %D%/goldens

unthreaded_tests += tests/report/test_plot tests/report/test_table
