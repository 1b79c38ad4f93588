#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#endif
