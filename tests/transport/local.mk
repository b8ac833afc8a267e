# Tests of the module transport.
if HAVE_CMOCKA
check_PROGRAMS += tests/transport/test_conform
TESTS += tests/transport/test_conform
tests_transport_test_conform_SOURCES = %D%/test_conform.c
tests_transport_test_conform_CPPFLAGS = $(test_cppflags)
tests_transport_test_conform_LDADD = $(test_libs)
endif
