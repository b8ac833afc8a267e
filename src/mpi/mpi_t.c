/* SPDX-License-Identifier: BSD-3-Clause */
/* Control variables of the library, through MPI_T. */
#include "config.h"

#include "module.h"

#include <string.h>

void module_t_start(void)
{
	int level;

	module.t_code = MPI_T_init_thread(MPI_THREAD_SINGLE, &level);
	module.mpi_t = !module.t_code;
}

int module_t_init(struct rg_err *err)
{
	/* A second call may succeed and still leave variables out: only the first one counts. */
	if (!module.mpi_t && !module.t_code)
		module_t_start();
	return module.mpi_t ? 0 : module_error(err, module.t_code, "MPI_T_init_thread");
}

void module_t_finish(void)
{
	if (module.mpi_t)
		MPI_T_finalize();
	module.mpi_t = false;
}

int module_cvar(const char *name, const int *set_to, void *value, size_t room_bytes,
		struct rg_err *err)
{
	union {
		int number;
		char bytes[4096];
	} buffer;
	MPI_T_cvar_handle handle;
	int index, count, code;

	memset(&buffer, 0, sizeof(buffer));
	code = MPI_T_cvar_get_index(name, &index);
	if (code)
		return rg_err_set(err, RG_ERR_NOT_FOUND, "this %s has no variable %s",
				  library_title, name);
	code = MPI_T_cvar_handle_alloc(index, NULL, &handle, &count);
	if (code)
		return module_error(err, code, name);
	if (count > (int)sizeof(buffer)) {
		MPI_T_cvar_handle_free(&handle);
		return rg_err_set(err, RG_ERR_SYSTEM, "variable %s has %d elements", name, count);
	}
	if (set_to)
		code = MPI_T_cvar_write(handle, set_to);
	if (!code)
		code = MPI_T_cvar_read(handle, &buffer);
	MPI_T_cvar_handle_free(&handle);
	if (code)
		return module_error(err, code, name);
	memcpy(value, &buffer, room_bytes < sizeof(buffer) ? room_bytes : sizeof(buffer));
	return 0;
}

int module_cvar_int(const char *name)
{
	int value = 0;

	module_cvar(name, NULL, &value, sizeof(value), NULL);
	return value;
}

int module_cvar_set(const char *name, int value, struct rg_err *err)
{
	int now = 0;
	int rc = module_cvar(name, &value, &now, sizeof(now), err);

	if (!rc && now != value)
		rc = rg_err_set(err, RG_ERR_UNSUPPORTED, "%s did not take %s %d: it still says %d",
				library_title, name, value, now);
	return rc;
}
