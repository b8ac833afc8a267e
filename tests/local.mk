# Tests, a fragment per module as under src. The suffix picks the runner: programs are cmocka unit
# tests (exit status 77 is a skip, with a reason on stdout), .sh scripts run with $(SHELL), .mpi
# scripts through run-mpi.sh. What tests draw, RG_TEST_SEED draws: of the sources' commit if it is not
# set, so that each commit tries something else, and always the same.
TEST_EXTENSIONS = .sh .mpi
SH_LOG_COMPILER = $(SHELL)
MPI_LOG_COMPILER = $(SHELL) $(srcdir)/tests/mpi/run-mpi.sh
AM_TESTS_ENVIRONMENT = \
	srcdir='$(srcdir)'; export srcdir; \
	builddir='$(abs_top_builddir)'; export builddir; \
	RAILGAUGE='$(abs_top_builddir)/src/railgauge'; export RAILGAUGE; \
	RG_SHARED="$${RG_SHARED:-$(abs_srcdir)/../shared}"; export RG_SHARED; \
	HEADER_CC='$(CC)'; export HEADER_CC; \
	HEADER_FLAGS='$(HWLOC_CFLAGS) $(JANSSON_CFLAGS) $(VERBS_CFLAGS) $(CUDA_CFLAGS) \
		$(OPENMPI_CFLAGS) $(MPICH_CFLAGS)'; \
	export HEADER_FLAGS; \
	UNTHREADED='$(unthreaded_tests)'; export UNTHREADED; \
	RG_TEST_SEED="$${RG_TEST_SEED:-0x`git -C '$(srcdir)' rev-parse --short=7 HEAD 2>/dev/null || \
		echo 1`}"; export RG_TEST_SEED;

# The rules of STYLE.md that a machine can check.
rule_tests = tests/layering.sh tests/headers.sh tests/checksrc.sh tests/unthreaded.sh
TESTS += $(rule_tests)
EXTRA_DIST += tests/installcheck.sh $(rule_tests) scripts/checksrc scripts/checksrc.waivers scripts/codespell.ignore

valgrind_tests =
lab_programs =
unthreaded_tests =
stored_tests = tests/measure/test_lane_cost tests/measure/test_lane_verbs \
	tests/measure/test_recovery tests/transport/test_verbs_straight \
	tests/transport/test_verbs_ud

test_cppflags = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
test_libs = $(shared_libs) $(rg_libs) $(CMOCKA_LIBS)

# What unit tests share is compiled once for all of them. Each module adds its own.
check_LIBRARIES =
if HAVE_CMOCKA
shared_libs = tests/libshared.a
check_LIBRARIES += tests/libshared.a
tests_libshared_a_SOURCES = tests/lot.h tests/schema.c tests/schema.h tests/verbs_words.c \
	tests/verbs_words.h tests/watched.h
tests_libshared_a_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src -I$(srcdir)/tests
endif

include tests/base/local.mk
include tests/topo/local.mk
include tests/device/local.mk
include tests/launch/local.mk
include tests/mpi/local.mk
include tests/transport/local.mk
include tests/coll/local.mk
include tests/model/local.mk
include tests/measure/local.mk
include tests/tune/local.mk
include tests/emit/local.mk
include tests/report/local.mk
include tests/cmd/local.mk
include tests/lab/local.mk

# The unit tests alone, for the stages of scripts/check. A unit test is a program; valgrind_tests
# are those that are worth their time under valgrind, unthreaded_tests start no thread and so have
# nothing to show to the thread sanitizer (each module adds its own). To stored_tests a device stores
# into memory that is polled, which is outside of C's memory model, and is a thread where it is made up.
.PHONY: check-thread check-valgrind
check-thread:
	tests=; \
	for t in $(TESTS); do \
		case " $(unthreaded_tests) $(stored_tests) $$t" in \
		*.sh | *.mpi | *" $$t "*) ;; \
		*) tests="$$tests $$t" ;; \
		esac; \
	done; \
	$(MAKE) $(AM_MAKEFLAGS) $$tests && $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS="$$tests"
check-valgrind: $(valgrind_tests)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(valgrind_tests)' LOG_COMPILER=valgrind \
		LOG_FLAGS='-q --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite'

installcheck-local:
	BINDIR='$(DESTDIR)$(bindir)' PKGLIBDIR='$(DESTDIR)$(pkglibdir)' $(SHELL) \
		$(srcdir)/tests/installcheck.sh
