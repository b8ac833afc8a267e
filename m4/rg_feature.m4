# RG_FEATURE(SWITCH, NAME, HELP, PROBE)
#
# One grammar for every optional part: --with-SWITCH=auto|yes|no|DIR.
#   auto  use it if PROBE finds it, go on quietly if not (the default)
#   yes   an error if PROBE does not find it
#   no    PROBE is not run
#   DIR   as yes, and PROBE looks under DIR first ($rg_dir)
# PROBE sets rg_found=yes or leaves it at no with $rg_why saying what is missing.
# Defines HAVE_NAME, the conditional HAVE_NAME, and adds a line to the summary.
AC_DEFUN([RG_FEATURE], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=auto|yes|no|DIR], [$3])],
              [rg_with=$withval], [rg_with=auto])
  rg_found=no
  rg_why="not asked for"
  rg_dir=
  AS_CASE([$rg_with], [auto|yes|no], [], [rg_dir=$rg_with])
  AS_IF([test "x$rg_dir" != x && test ! -d "$rg_dir"],
        [AC_MSG_ERROR([--with-$1=$rg_dir: no such directory])])
  AS_IF([test "x$rg_with" != xno], [
    rg_why="not found"
    $4
    AS_IF([test $rg_found = no && test "x$rg_with" != xauto],
          [AC_MSG_ERROR([--with-$1=$rg_with: $rg_why])])
  ])
  AS_IF([test $rg_found = yes],
        [AC_DEFINE([HAVE_$2], [1], [$3])
         rg_summary="$rg_summary
  $1: yes"],
        [rg_summary="$rg_summary
  $1: no ($rg_why)"])
  AM_CONDITIONAL([HAVE_$2], [test $rg_found = yes])
])

# Runs pkg-config with DIR's own pkgconfig folders first.
AC_DEFUN([RG_PKG], [
  rg_save_path=$PKG_CONFIG_PATH
  AS_IF([test "x$rg_dir" != x],
        [PKG_CONFIG_PATH="$rg_dir/lib/pkgconfig:$rg_dir/lib64/pkgconfig:$PKG_CONFIG_PATH"
         export PKG_CONFIG_PATH])
  PKG_CHECK_MODULES([$1], [$2], [rg_found=yes], [rg_why="pkg-config does not know $2"])
  PKG_CONFIG_PATH=$rg_save_path
])

AC_DEFUN([RG_PROBE_OPENMPI], [RG_PKG([OPENMPI], [ompi-c >= 4.0])])
AC_DEFUN([RG_PROBE_MPICH], [RG_PKG([MPICH], [mpich >= 4.0])])

# 1.11 reads a GID table with the types of its entries.
AC_DEFUN([RG_PROBE_VERBS], [
  RG_PKG([VERBS], [libibverbs >= 1.11])
  AS_IF([test $rg_found = yes],
        [rg_save_LIBS=$LIBS; LIBS="$VERBS_LIBS $LIBS"
         AC_CHECK_FUNCS([ibv_reg_dmabuf_mr])
         rg_save_CPPFLAGS=$CPPFLAGS; CPPFLAGS="$VERBS_CFLAGS $CPPFLAGS"
         AC_CHECK_MEMBERS([struct ibv_port_attr.active_speed_ex], [], [],
                          [[#include <infiniband/verbs.h>]])
         CPPFLAGS=$rg_save_CPPFLAGS
         LIBS=$rg_save_LIBS])
])

AC_DEFUN([RG_PROBE_CMOCKA], [RG_PKG([CMOCKA], [cmocka >= 1.1.5])])

# The headers and a link against cudart. Finding CUDA does not mean having a GPU: that is asked again at run time.
AC_DEFUN([RG_PROBE_CUDA], [
  AS_IF([test "x$rg_dir" != x], [rg_cuda_dirs=$rg_dir], [rg_cuda_dirs="/usr/local/cuda /usr"])
  rg_why="no cuda_runtime.h and libcudart under $rg_cuda_dirs"
  for rg_d in $rg_cuda_dirs; do
    for rg_l in lib64 lib lib/x86_64-linux-gnu; do
      AS_IF([test $rg_found = no && test -f $rg_d/include/cuda_runtime_api.h &&
             test -f $rg_d/$rg_l/libcudart.so],
            [rg_save_CPPFLAGS=$CPPFLAGS; rg_save_LIBS=$LIBS
             CPPFLAGS="$CPPFLAGS -I$rg_d/include"; LIBS="-L$rg_d/$rg_l -lcudart $LIBS"
             AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <cuda_runtime_api.h>]],
                                             [[int n; return (int)cudaGetDeviceCount(&n);]])],
                            [rg_found=yes
                             CUDA_CFLAGS=-I$rg_d/include
                             CUDA_LIBS="-L$rg_d/$rg_l -Wl,-rpath,$rg_d/$rg_l -lcudart"])
             CPPFLAGS=$rg_save_CPPFLAGS; LIBS=$rg_save_LIBS])
    done
  done
  AC_SUBST([CUDA_CFLAGS])
  AC_SUBST([CUDA_LIBS])
])

AC_DEFUN([RG_SUMMARY], [
AC_MSG_NOTICE([railgauge $PACKAGE_VERSION will be built with$rg_summary
  sanitizer: $rg_sanitizer])
])
