# Tests of the module launch.
if HAVE_CMOCKA
check_PROGRAMS += tests/launch/test_threads
TESTS += tests/launch/test_threads
tests_launch_test_threads_SOURCES = %D%/test_threads.c
tests_launch_test_threads_CPPFLAGS = $(test_cppflags)
tests_launch_test_threads_LDADD = $(test_libs)
endif
