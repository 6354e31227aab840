/* fs_posix: the real files under base/fs.h. Errors name the path and the reason. */
#pragma once

#include "base/fs.h"

const struct fs *fs_posix(void);
/* Only one process may hold the folder: flock on dir/lock, held until the process ends. ERR_AGAIN
 * if another has it, text names its pid. */
MUST_USE bool fs_lock_dir(const char *dir, struct err *err);
