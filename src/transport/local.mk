# Sources of the module transport.
src_librailgauge_a_SOURCES += \
	include/railgauge/transport/stream.h \
	include/railgauge/transport/transport.h \
	include/railgauge/transport/verbs.h \
	%D%/endpoint.c \
	%D%/endpoint.h \
	%D%/framed.c \
	%D%/framed.h \
	%D%/geometry.c \
	%D%/inproc.c \
	%D%/mapped.c \
	%D%/mapped.h \
	%D%/mixed.c \
	%D%/null.c \
	%D%/shm.c \
	%D%/shm_impl.h \
	%D%/shm_peer.c \
	%D%/shm_probe.c \
	%D%/shm_probe.h \
	%D%/shm_window.c \
	%D%/tcp.c \
	%D%/tcp_address.c \
	%D%/tcp_frame.c \
	%D%/tcp_impl.h \
	%D%/tcp_peers.c \
	%D%/tcp_probe.c \
	%D%/tcp_receive.c \
	%D%/tcp_send.c \
	%D%/tcp_stream.c \
	%D%/verbs_gid.c \
	%D%/verbs_impl.h \
	%D%/verbs_options.c \
	%D%/verbs_probe.c \
	%D%/verbs_suits.c \
	%D%/verbs_ud_flow.c \
	%D%/verbs_ud_flow.h
if HAVE_VERBS
src_librailgauge_a_SOURCES += \
	%D%/verbs_device.c \
	%D%/verbs_find.c \
	%D%/verbs_job.c \
	%D%/verbs_line.c \
	%D%/verbs_memory.c \
	%D%/verbs_port.c \
	%D%/verbs_qp.c \
	%D%/verbs_rc.c \
	%D%/verbs_rc_control.c \
	%D%/verbs_rc_impl.h \
	%D%/verbs_rc_lend.c \
	%D%/verbs_rc_memory.c \
	%D%/verbs_rc_order.c \
	%D%/verbs_rc_post.c \
	%D%/verbs_rc_receive.c \
	%D%/verbs_rc_send.c \
	%D%/verbs_rc_setup.c \
	%D%/verbs_ud.c \
	%D%/verbs_ud_drive.c \
	%D%/verbs_ud_impl.h \
	%D%/verbs_ud_packet.c \
	%D%/verbs_ud_peers.c \
	%D%/verbs_ud_probe.c \
	%D%/verbs_ud_receive.c \
	%D%/verbs_ud_send.c \
	%D%/verbs_ud_setup.c \
	%D%/verbs_words.c
endif
