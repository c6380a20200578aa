#include "engine/memory/buffer_pool.hpp"

#include <gtest/gtest.h>

#include "engine/async/runtime.hpp"

namespace act {
namespace {

task<result<buffer>> take(buffer_pool& p, std::size_t n, until u) { co_return co_await p.take(n, u); }

TEST(BufferPool, TheBudgetHoldsAndIsGivenBack) {
    runtime rt({.loops = 1});
    buffer_pool pool(64 * 1024);
    {
        auto a = rt.run(take(pool, 48 * 1024, {}));
        ASSERT_TRUE(a);
        EXPECT_EQ(a->size(), 48u * 1024);
        EXPECT_EQ(pool.in_use(), 64u * 1024);
        auto b = rt.run(take(pool, 1, until{}.within(std::chrono::milliseconds(1))));
        ASSERT_FALSE(b);
        EXPECT_EQ(b.error().kind(), kind::timeout);
    }
    EXPECT_EQ(pool.in_use(), 0u);
}

TEST(BufferPool, MemoryIsUsedAgain) {
    runtime rt({.loops = 1});
    buffer_pool pool(1 << 20);
    auto first = rt.run(take(pool, 4096, {}));
    std::byte* address = first->data();
    { buffer gone = std::move(*first); }
    EXPECT_EQ(rt.run(take(pool, 4000, {}))->data(), address);
}

TEST(BufferPool, SizesAboveTheLargestClassWorkToo) {
    runtime rt({.loops = 1});
    buffer_pool pool(64 << 20);
    auto b = rt.run(take(pool, 40 << 20, {}));
    ASSERT_TRUE(b);
    b->span().back() = std::byte{1};
    EXPECT_EQ(pool.in_use(), 40u << 20);
}

TEST(BufferPool, WhatCanBeLeftUndoneLeavesHalfToThoseWhoMustHaveIt) {
    runtime rt({.loops = 1});
    buffer_pool pool(1 << 20);
    std::vector<spare_bytes> held;
    for (int i = 0; i < 10; ++i) {
        auto one = pool.try_reserve(100 << 10);
        if (one.units() > 0) held.push_back(std::move(one));
    }
    EXPECT_EQ(held.size(), 5u);
    EXPECT_EQ(pool.in_use(), 500u << 10);
    auto large = rt.run(take(pool, 512 << 10, until{}.within(std::chrono::milliseconds(1))));
    EXPECT_TRUE(large);
    held.pop_back();
    // What the budget cannot give takes no share either.
    EXPECT_EQ(pool.try_reserve(200 << 10).units(), 0u);
    large = error(kind::internal, "given back");
    EXPECT_EQ(pool.try_reserve(100 << 10).units(), 100u << 10);
    held.clear();
    EXPECT_EQ(pool.in_use(), 0u);
    EXPECT_EQ(pool.try_reserve(600 << 10).units(), 0u) << "more than half is never spare";
}

}  // namespace
}  // namespace act
