# Tests of the module topo.
topo_scripts = tests/topo/test_goldens.sh tests/topo/test_command.sh
TESTS += $(topo_scripts)
EXTRA_DIST += $(topo_scripts) %D%/refresh-goldens.sh %D%/goldens
if HAVE_CMOCKA
check_PROGRAMS += tests/topo/test_limits
TESTS += tests/topo/test_limits
tests_topo_test_limits_SOURCES = %D%/test_limits.c
tests_topo_test_limits_CPPFLAGS = $(test_cppflags)
tests_topo_test_limits_LDADD = $(test_libs)

topo_unit_tests = \
	tests/topo/test_affinity \
	tests/topo/test_assign \
	tests/topo/test_sysfs \
	tests/topo/test_topo \
	tests/topo/test_xml
check_PROGRAMS += $(topo_unit_tests)
TESTS += $(topo_unit_tests)
valgrind_tests += tests/topo/test_affinity tests/topo/test_assign tests/topo/test_sysfs
tests_topo_test_affinity_SOURCES = %D%/machine.h %D%/test_affinity.c
tests_topo_test_affinity_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_topo_test_affinity_LDADD = $(test_libs)
tests_topo_test_assign_SOURCES = %D%/test_assign.c
tests_topo_test_assign_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_topo_test_assign_LDADD = $(test_libs)
tests_topo_test_sysfs_SOURCES = %D%/machine.h %D%/test_sysfs.c
tests_topo_test_sysfs_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_topo_test_sysfs_LDADD = $(test_libs)
tests_topo_test_topo_SOURCES = %D%/machine.h %D%/test_topo.c
tests_topo_test_topo_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_topo_test_topo_LDADD = $(test_libs)
tests_topo_test_xml_SOURCES = %D%/test_xml.c
tests_topo_test_xml_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_topo_test_xml_LDADD = $(test_libs)
endif

unthreaded_tests += tests/topo/test_affinity tests/topo/test_assign tests/topo/test_limits \
	tests/topo/test_sysfs tests/topo/test_topo tests/topo/test_xml
