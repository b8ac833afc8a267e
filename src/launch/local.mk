src_librailgauge_a_SOURCES += \
	include/railgauge/launch/build.h \
	include/railgauge/launch/job_env.h \
	include/railgauge/launch/rendezvous.h \
	include/railgauge/launch/star.h \
	%D%/build.c \
	%D%/env.c \
	%D%/job_env.c \
	%D%/rendezvous.c \
	%D%/star.c \
	%D%/star_bind.c \
	%D%/star_connect.c \
	%D%/star_impl.h \
	%D%/star_listen.c \
	%D%/threads.c \
	%D%/wire.c \
	%D%/wire.h
