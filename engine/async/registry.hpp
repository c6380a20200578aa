#pragma once

namespace act {

class loop;

/// The loops that exist in this process, so that a stop reaches every wait. Private to engine/async.
class loop_registry {
public:
    static void add(loop*);
    static void remove(loop*);
    static void sweep_all();
};

}  // namespace act
