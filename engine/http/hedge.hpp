#pragma once

#include <type_traits>

#include "engine/http/client.hpp"

namespace act::http {

/// A call that may be made twice, lent by the caller of hedged(): anything that takes an `until` and returns
/// a task<result<void>>.
class repeatable {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cv_t<F>, repeatable>)
    repeatable(F& f)
        : what_(&f), call_([](void* what, until u) { return (*static_cast<F*>(what))(std::move(u)); }) {}
    task<result<void>> operator()(until u) const { return call_(what_, std::move(u)); }

private:
    void* what_;
    task<result<void>> (*call_)(void*, until);
};

/// Runs `first`; if it is slow, as the pipeline's admission says, `again` beside it, so that the request goes
/// out once more on another connection. The first success wins and the other one is stopped; both have ended
/// when this returns. For what may be carried out twice without harm. `bytes` is what the request enters its
/// admission with. Neither may wait for memory, or for anything but its own request. `by_second`, if given:
/// whether it was the repetition that counts.
task<result<void>> hedged(pipeline&, std::uint64_t bytes, repeatable first, repeatable again, until,
                          bool* by_second = nullptr);

}  // namespace act::http
