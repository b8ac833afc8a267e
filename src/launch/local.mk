src_librailgauge_a_SOURCES += \
	include/railgauge/launch/bind.h \
	include/railgauge/launch/build.h \
	include/railgauge/launch/child.h \
	include/railgauge/launch/job_env.h \
	include/railgauge/launch/process.h \
	include/railgauge/launch/rendezvous.h \
	include/railgauge/launch/star.h \
	%D%/bind.c \
	%D%/build.c \
	%D%/child.c \
	%D%/child_exec.c \
	%D%/child_impl.h \
	%D%/env.c \
	%D%/job_env.c \
	%D%/process.c \
	%D%/rendezvous.c \
	%D%/star.c \
	%D%/star_admit.c \
	%D%/star_bind.c \
	%D%/star_connect.c \
	%D%/star_gather.h \
	%D%/star_impl.h \
	%D%/star_listen.c \
	%D%/threads.c \
	%D%/wire.c \
	%D%/wire.h
