# Tests of the module topo.
topo_scripts = tests/topo/test_goldens.sh
TESTS += $(topo_scripts)
EXTRA_DIST += $(topo_scripts) %D%/refresh-goldens.sh %D%/goldens
if HAVE_CMOCKA
check_PROGRAMS += tests/topo/test_limits
TESTS += tests/topo/test_limits
tests_topo_test_limits_SOURCES = %D%/test_limits.c
tests_topo_test_limits_CPPFLAGS = $(test_cppflags)
tests_topo_test_limits_LDADD = $(test_libs)
endif
