# Tests of the module transport.
fuzz_files = %D%/fuzz.c %D%/fuzz.h tests/replay.c

if HAVE_CMOCKA
rank_libs = tests/transport/libranks.a $(test_libs)
check_LIBRARIES += tests/transport/libranks.a
tests_transport_libranks_a_SOURCES = %D%/ranks.c %D%/ranks.h
tests_transport_libranks_a_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src

check_PROGRAMS += tests/transport/test_conform
TESTS += tests/transport/test_conform
tests_transport_test_conform_SOURCES = %D%/test_conform.c
tests_transport_test_conform_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_transport_test_conform_LDADD = $(rank_libs)

check_PROGRAMS += tests/transport/test_death
TESTS += tests/transport/test_death
tests_transport_test_death_SOURCES = %D%/test_death.c
tests_transport_test_death_CPPFLAGS = $(test_cppflags)
tests_transport_test_death_LDADD = $(rank_libs)

valgrind_tests += tests/transport/test_open
check_PROGRAMS += tests/transport/test_open
TESTS += tests/transport/test_open
tests_transport_test_open_SOURCES = %D%/test_open.c
tests_transport_test_open_CPPFLAGS = $(test_cppflags)
tests_transport_test_open_LDADD = $(rank_libs)

check_PROGRAMS += tests/transport/test_stream
TESTS += tests/transport/test_stream
tests_transport_test_stream_SOURCES = %D%/test_stream.c
tests_transport_test_stream_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_transport_test_stream_LDADD = $(rank_libs)

check_PROGRAMS += tests/transport/test_tcp
TESTS += tests/transport/test_tcp
tests_transport_test_tcp_SOURCES = %D%/test_tcp.c
tests_transport_test_tcp_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_transport_test_tcp_LDADD = $(rank_libs)

unthreaded_tests += tests/transport/test_verbs_ud_channel tests/transport/test_verbs_ud_flow
check_PROGRAMS += tests/transport/test_verbs_ud_channel tests/transport/test_verbs_ud_flow
TESTS += tests/transport/test_verbs_ud_channel tests/transport/test_verbs_ud_flow
tests_transport_test_verbs_ud_channel_SOURCES = %D%/test_verbs_ud_channel.c
tests_transport_test_verbs_ud_channel_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_transport_test_verbs_ud_channel_LDADD = $(test_libs)
tests_transport_test_verbs_ud_flow_SOURCES = %D%/test_verbs_ud_flow.c
tests_transport_test_verbs_ud_flow_CPPFLAGS = $(test_cppflags) -I$(srcdir)/src
tests_transport_test_verbs_ud_flow_LDADD = $(test_libs)

check_PROGRAMS += tests/transport/test_window
TESTS += tests/transport/test_window
tests_transport_test_window_SOURCES = %D%/test_window.c
tests_transport_test_window_CPPFLAGS = $(test_cppflags)
tests_transport_test_window_LDADD = $(rank_libs)

valgrind_tests += tests/transport/test_verbs_options
check_PROGRAMS += tests/transport/test_verbs_options
TESTS += tests/transport/test_verbs_options
tests_transport_test_verbs_options_SOURCES = %D%/test_verbs_options.c
tests_transport_test_verbs_options_CPPFLAGS = $(test_cppflags)
tests_transport_test_verbs_options_LDADD = $(test_libs)

# verbs-rc on made-up devices: a test of its own, and the suites above once more.
if HAVE_VERBS
fake_rank_libs = tests/transport/libranks.a $(fake_verbs_libs)
tests_transport_libranks_a_SOURCES += %D%/rc_ranks.c %D%/rc_ranks.h %D%/ud_ranks.c %D%/ud_ranks.h
tests_libshared_a_SOURCES += %D%/locked.c %D%/locked.h %D%/verbs_pair.c %D%/verbs_pair.h
rc_tests = \
	tests/transport/test_verbs_rc \
	tests/transport/test_verbs_rc_ends \
	tests/transport/test_verbs_rc_join \
	tests/transport/test_verbs_rc_sizes
check_PROGRAMS += $(rc_tests)
TESTS += $(rc_tests)
tests_transport_test_verbs_rc_SOURCES = %D%/test_verbs_rc.c
tests_transport_test_verbs_rc_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_rc_LDADD = $(fake_rank_libs)
tests_transport_test_verbs_rc_ends_SOURCES = %D%/test_verbs_rc_ends.c
tests_transport_test_verbs_rc_ends_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_rc_ends_LDADD = $(fake_rank_libs)
tests_transport_test_verbs_rc_join_SOURCES = %D%/test_verbs_rc_join.c
tests_transport_test_verbs_rc_join_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_rc_join_LDADD = $(fake_rank_libs)
tests_transport_test_verbs_rc_sizes_SOURCES = %D%/test_verbs_rc_sizes.c
tests_transport_test_verbs_rc_sizes_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_rc_sizes_LDADD = $(fake_rank_libs)

check_PROGRAMS += tests/transport/test_verbs_place
TESTS += tests/transport/test_verbs_place
tests_transport_test_verbs_place_SOURCES = %D%/test_verbs_place.c
tests_transport_test_verbs_place_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_place_LDADD = $(fake_rank_libs)

check_PROGRAMS += tests/transport/test_verbs_straight
TESTS += tests/transport/test_verbs_straight
tests_transport_test_verbs_straight_SOURCES = %D%/test_verbs_straight.c
tests_transport_test_verbs_straight_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_transport_test_verbs_straight_LDADD = $(fake_rank_libs)

check_PROGRAMS += tests/transport/test_verbs_cost
TESTS += tests/transport/test_verbs_cost
tests_transport_test_verbs_cost_SOURCES = %D%/test_verbs_cost.c
tests_transport_test_verbs_cost_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_transport_test_verbs_cost_LDADD = $(fake_rank_libs)

check_PROGRAMS += tests/transport/fake_conform tests/transport/fake_open tests/transport/fake_window
tests_transport_fake_conform_SOURCES = %D%/test_conform.c %D%/fake_start.c
tests_transport_fake_conform_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_fake_conform_LDADD = $(fake_rank_libs)
tests_transport_fake_open_SOURCES = %D%/test_open.c %D%/fake_start.c
tests_transport_fake_open_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_transport_fake_open_LDADD = $(fake_rank_libs)
tests_transport_fake_window_SOURCES = %D%/test_window.c %D%/fake_start.c
tests_transport_fake_window_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_transport_fake_window_LDADD = $(fake_rank_libs)
endif
endif

TESTS += tests/transport/test_verbs_rc_suites.sh
EXTRA_DIST += tests/transport/test_verbs_rc_suites.sh

# A made-up libibverbs. What is linked with fake_verbs_libs has no other one: a function that it
# lacks is an error of the linker.
fake_verbs_libs = $(shared_libs) src/librailgauge.a tests/transport/libfakeverbs.a $(HWLOC_LIBS) \
	$(JANSSON_LIBS) $(CUDA_LIBS) $(CMOCKA_LIBS) -ldl -lpthread -lm
if HAVE_VERBS
check_LIBRARIES += tests/transport/libfakeverbs.a
tests_transport_libfakeverbs_a_SOURCES = \
	%D%/fake_verbs.c \
	%D%/fake_verbs.h \
	%D%/fake_verbs_device.c \
	%D%/fake_verbs_fabric.c \
	%D%/fake_verbs_impl.h \
	%D%/fake_verbs_objects.c \
	%D%/fake_verbs_post.c \
	%D%/fake_verbs_qp.c \
	%D%/fake_verbs_ud.c \
	%D%/system_calls.c \
	%D%/system_calls.h
tests_transport_libfakeverbs_a_CPPFLAGS = $(AM_CPPFLAGS) $(VERBS_CFLAGS)

if HAVE_CMOCKA
verbs_tests = \
	tests/transport/test_verbs_device \
	tests/transport/test_verbs_failures \
	tests/transport/test_verbs_find \
	tests/transport/test_verbs_pair \
	tests/transport/test_verbs_way
valgrind_tests += tests/transport/test_verbs_pair
check_PROGRAMS += $(verbs_tests)
TESTS += $(verbs_tests)
tests_transport_test_verbs_device_SOURCES = %D%/test_verbs_device.c
tests_transport_test_verbs_device_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_device_LDADD = $(fake_verbs_libs)
tests_transport_test_verbs_failures_SOURCES = %D%/test_verbs_failures.c
tests_transport_test_verbs_failures_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_transport_test_verbs_failures_LDADD = $(fake_verbs_libs)
tests_transport_test_verbs_find_SOURCES = %D%/test_verbs_find.c
tests_transport_test_verbs_find_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_transport_test_verbs_find_LDADD = $(fake_verbs_libs)
tests_transport_test_verbs_pair_SOURCES = %D%/test_verbs_pair.c
tests_transport_test_verbs_pair_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_transport_test_verbs_pair_LDADD = $(fake_verbs_libs)
tests_transport_test_verbs_way_SOURCES = %D%/test_verbs_way.c
tests_transport_test_verbs_way_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS)
tests_transport_test_verbs_way_LDADD = $(fake_verbs_libs)
endif
endif

if HAVE_VERBS
if HAVE_CMOCKA
check_PROGRAMS += tests/transport/test_verbs_ud tests/transport/test_verbs_ud_gone
TESTS += tests/transport/test_verbs_ud tests/transport/test_verbs_ud_gone
tests_transport_test_verbs_ud_gone_SOURCES = %D%/test_verbs_ud_gone.c
tests_transport_test_verbs_ud_gone_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_ud_gone_LDADD = $(fake_rank_libs)
tests_transport_test_verbs_ud_SOURCES = %D%/test_verbs_ud.c
tests_transport_test_verbs_ud_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_ud_LDADD = $(fake_rank_libs)
check_PROGRAMS += tests/transport/test_verbs_ud_group
TESTS += tests/transport/test_verbs_ud_group
tests_transport_test_verbs_ud_group_SOURCES = %D%/test_verbs_ud_group.c
tests_transport_test_verbs_ud_group_CPPFLAGS = $(test_cppflags) $(VERBS_CFLAGS) -I$(srcdir)/src
tests_transport_test_verbs_ud_group_LDADD = $(fake_rank_libs)
endif

check_PROGRAMS += tests/transport/fuzz_verbs_ud
TESTS += tests/transport/fuzz_verbs_ud
tests_transport_fuzz_verbs_ud_SOURCES = %D%/fuzz_verbs_ud.c $(fuzz_files)
tests_transport_fuzz_verbs_ud_CPPFLAGS = $(AM_CPPFLAGS) $(VERBS_CFLAGS) -I$(srcdir)/src \
	-DRG_CORPUS='"%D%/corpus-verbs-ud"' -DRG_MUTATIONS=300
tests_transport_fuzz_verbs_ud_LDADD = $(rg_libs)
endif
TESTS += tests/transport/test_verbs_ud_suites.sh
EXTRA_DIST += %D%/corpus-verbs-ud %D%/test_verbs_ud_suites.sh

check_PROGRAMS += tests/transport/fuzz_tcp
TESTS += tests/transport/fuzz_tcp
tests_transport_fuzz_tcp_SOURCES = %D%/fuzz_tcp.c $(fuzz_files)
tests_transport_fuzz_tcp_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src \
	-DRG_CORPUS='"%D%/corpus-tcp"' -DRG_MUTATIONS=300
tests_transport_fuzz_tcp_LDADD = $(rg_libs)
EXTRA_DIST += %D%/corpus-tcp

unthreaded_tests += tests/transport/fuzz_tcp tests/transport/test_verbs_device \
	tests/transport/test_verbs_failures tests/transport/test_verbs_find \
	tests/transport/test_verbs_options \
	tests/transport/test_verbs_pair tests/transport/test_verbs_way
