#ifndef CORE_FOLD_H
#define CORE_FOLD_H

#endif
