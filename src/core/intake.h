#ifndef CORE_INTAKE_H
#define CORE_INTAKE_H

#endif
