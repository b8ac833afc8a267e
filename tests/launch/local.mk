# Tests of the module launch. meet is a rank for the tests of `railgauge run`.
check_PROGRAMS += tests/launch/meet
tests_launch_meet_SOURCES = %D%/meet.c
tests_launch_meet_LDADD = $(rg_libs)

if HAVE_CMOCKA
tests_libshared_a_SOURCES += %D%/parts.c %D%/parts.h
launch_tests = \
	tests/launch/test_child \
	tests/launch/test_impostors \
	tests/launch/test_job_env \
	tests/launch/test_process \
	tests/launch/test_star \
	tests/launch/test_star_join \
	tests/launch/test_strangers \
	tests/launch/test_threads
check_PROGRAMS += $(launch_tests)
TESTS += $(launch_tests)
tests_launch_test_child_SOURCES = %D%/test_child.c
tests_launch_test_child_CPPFLAGS = $(test_cppflags)
tests_launch_test_child_LDADD = $(test_libs)
tests_launch_test_impostors_SOURCES = %D%/test_impostors.c %D%/wire_bytes.c %D%/wire_bytes.h
tests_launch_test_impostors_CPPFLAGS = $(test_cppflags)
tests_launch_test_impostors_LDADD = $(test_libs)
tests_launch_test_job_env_SOURCES = %D%/test_job_env.c
tests_launch_test_job_env_CPPFLAGS = $(test_cppflags)
tests_launch_test_job_env_LDADD = $(test_libs)
tests_launch_test_process_SOURCES = %D%/test_process.c
tests_launch_test_process_CPPFLAGS = $(test_cppflags)
tests_launch_test_process_LDADD = $(test_libs)
tests_launch_test_star_SOURCES = %D%/test_star.c
tests_launch_test_star_CPPFLAGS = $(test_cppflags)
tests_launch_test_star_LDADD = $(test_libs)
tests_launch_test_star_join_SOURCES = %D%/test_star_join.c
tests_launch_test_star_join_CPPFLAGS = $(test_cppflags)
tests_launch_test_star_join_LDADD = $(test_libs)
tests_launch_test_strangers_SOURCES = %D%/test_strangers.c %D%/wire_bytes.c %D%/wire_bytes.h
tests_launch_test_strangers_CPPFLAGS = $(test_cppflags)
tests_launch_test_strangers_LDADD = $(test_libs)
tests_launch_test_threads_SOURCES = %D%/test_threads.c
tests_launch_test_threads_CPPFLAGS = $(test_cppflags)
tests_launch_test_threads_LDADD = $(test_libs)
endif

unthreaded_tests += tests/launch/test_child tests/launch/test_job_env tests/launch/test_process
