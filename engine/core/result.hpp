#pragma once

#include <boost/system/result.hpp>

#include "engine/core/error.hpp"

namespace act {

/// A value, or the reason why there is none. Expected failures (network, disk, user) travel this way.
template <class T = void>
using result = boost::system::result<T, error>;

/// Called by result::value() on an error: a broken invariant, so it throws std::logic_error.
[[noreturn]] void throw_exception_from_error(const error&, const boost::source_location&);

}  // namespace act

#define ACT_CAT_(a, b) a##b
#define ACT_CAT(a, b) ACT_CAT_(a, b)

/// ACT_TRY(auto x, f()): x is f()'s value, or the enclosing function returns its error.
/// ACT_CO_TRY is the same inside a coroutine; the _VOID forms are for result<void>.
#define ACT_TRY_(tmp, decl, expr, ret) \
    auto tmp = (expr);                 \
    if (!tmp) ret tmp.error();         \
    decl = std::move(*tmp)
#define ACT_TRY(decl, expr) ACT_TRY_(ACT_CAT(act_try_, __LINE__), decl, expr, return)
#define ACT_CO_TRY(decl, expr) ACT_TRY_(ACT_CAT(act_try_, __LINE__), decl, expr, co_return)
#define ACT_TRY_VOID(expr) \
    if (auto act_try_result = (expr); !act_try_result) return act_try_result.error()
#define ACT_CO_TRY_VOID(expr) \
    if (auto act_try_result = (expr); !act_try_result) co_return act_try_result.error()
