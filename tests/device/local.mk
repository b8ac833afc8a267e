# Tests of the module device.
if HAVE_CMOCKA
check_PROGRAMS += tests/device/test_buffer
TESTS += tests/device/test_buffer
tests_device_test_buffer_SOURCES = %D%/test_buffer.c tests/watched.h
tests_device_test_buffer_CPPFLAGS = $(test_cppflags)
tests_device_test_buffer_LDADD = $(test_libs)

check_PROGRAMS += tests/device/test_ll
TESTS += tests/device/test_ll
tests_device_test_ll_SOURCES = %D%/test_ll.c
tests_device_test_ll_CPPFLAGS = $(test_cppflags)
tests_device_test_ll_LDADD = $(test_libs)

check_PROGRAMS += tests/device/test_reduce
TESTS += tests/device/test_reduce
tests_device_test_reduce_SOURCES = %D%/test_reduce.c %D%/kernels.c %D%/kernels.h
tests_device_test_reduce_CPPFLAGS = $(test_cppflags)
tests_device_test_reduce_LDADD = $(test_libs)

check_PROGRAMS += tests/device/test_types
TESTS += tests/device/test_types
tests_device_test_types_SOURCES = %D%/test_types.c
tests_device_test_types_CPPFLAGS = $(test_cppflags)
tests_device_test_types_LDADD = $(test_libs)
endif

# Not a test: make tests/device/bench_reduce, and run it by hand on a quiet machine.
EXTRA_PROGRAMS += tests/device/bench_reduce
CLEANFILES += tests/device/bench_reduce
tests_device_bench_reduce_SOURCES = %D%/bench_reduce.c
tests_device_bench_reduce_LDADD = $(rg_libs)

unthreaded_tests += tests/device/test_buffer tests/device/test_reduce tests/device/test_types
