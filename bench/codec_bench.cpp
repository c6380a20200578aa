// Checksums, hashes and compression, by size of the piece: 4 KiB and 256 KiB are in cache, 64 MiB is in
// memory.
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/codec/base64.hpp"
#include "engine/codec/deflate.hpp"
#include "engine/codec/hash.hpp"
#include "engine/codec/zip.hpp"

namespace {

using namespace act::codec;

std::vector<std::byte> random_bytes(std::size_t size) {
    std::mt19937_64 random(1);
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random());
    return bytes;
}

template <class F>
void over_bytes(benchmark::State& state, F f) {
    const auto data = random_bytes(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(f(bytes_view(data)));
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

void sizes(benchmark::internal::Benchmark* b) { b->Arg(4 << 10)->Arg(256 << 10)->Arg(64 << 20); }

void crc64_dispatched(benchmark::State& s) {
    over_bytes(s, [](bytes_view v) { return crc64(0, v); });
}
BENCHMARK(crc64_dispatched)->Apply(sizes)->Arg(64)->Arg(500);

void crc64_tables(benchmark::State& s) {
    over_bytes(s, [](bytes_view v) { return crc64_portable(0, v); });
}
BENCHMARK(crc64_tables)->Arg(256 << 10);

void crc64_pclmulqdq(benchmark::State& s) {
    if (!cpu_has_pclmul()) return s.SkipWithError("not on this processor");
    over_bytes(s, [](bytes_view v) { return crc64_pclmul(0, v); });
}
BENCHMARK(crc64_pclmulqdq)->Apply(sizes);

void crc64_combined(benchmark::State& s) {
    for (auto _ : s) benchmark::DoNotOptimize(crc64_combine(1, 2, std::uint64_t(s.range(0))));
}
BENCHMARK(crc64_combined)->Arg(4 << 20);

void crc32_zip(benchmark::State& s) {
    over_bytes(s, [](bytes_view v) { return crc32(0, v); });
}
BENCHMARK(crc32_zip)->Apply(sizes);

void xxh3_whole(benchmark::State& s) {
    over_bytes(s, [](bytes_view v) { return xxh3_of(v); });
}
BENCHMARK(xxh3_whole)->Apply(sizes);

void xxh3_streamed(benchmark::State& s) {
    xxh3 h;
    over_bytes(s, [&](bytes_view v) {
        h.reset();
        h.update(v);
        return h.digest();
    });
}
BENCHMARK(xxh3_streamed)->Apply(sizes);

/// What an upload does to each block: both sums, tile by tile.
void xxh3_and_crc64_by_tiles(benchmark::State& s) {
    const auto data = random_bytes(64 << 20);
    const auto tile = static_cast<std::size_t>(s.range(0));
    xxh3 h;
    for (auto _ : s) {
        std::uint64_t crc = 0;
        h.reset();
        for (std::size_t at = 0; at < data.size(); at += tile) {
            const bytes_view piece(data.data() + at, tile);
            h.update(piece);
            crc = crc64(crc, piece);
        }
        benchmark::DoNotOptimize(crc);
        benchmark::DoNotOptimize(h.digest());
    }
    s.SetBytesProcessed(s.iterations() * static_cast<std::int64_t>(data.size()));
}
BENCHMARK(xxh3_and_crc64_by_tiles)->Arg(64 << 10)->Arg(256 << 10)->Arg(64 << 20);

void md5(benchmark::State& s) { over_bytes(s, md5_of); }
BENCHMARK(md5)->Arg(1 << 10)->Arg(256 << 10);

void sha256(benchmark::State& s) { over_bytes(s, sha256_of); }
BENCHMARK(sha256)->Arg(1 << 10)->Arg(256 << 10);

/// A string to sign is about this long.
void hmac_of_a_request(benchmark::State& s) {
    hmac_sha256 h(std::string(64, 'k'));
    const std::string text(300, 't');
    for (auto _ : s) benchmark::DoNotOptimize(h.sign(text));
}
BENCHMARK(hmac_of_a_request);

void base64_of_a_block_id(benchmark::State& s) {
    over_bytes(s, [](bytes_view v) { return base64_encode(v); });
}
BENCHMARK(base64_of_a_block_id)->Arg(28);

/// Text with some repetition, as source code has.
std::string source_like(std::size_t size) {
    std::mt19937_64 random(2);
    std::string text;
    while (text.size() < size) {
        text += "    result<void> name" + std::to_string(random() % 500) + "(const std::string& path, int " +
                std::string(1 + random() % 6, static_cast<char>('a' + random() % 26)) + ");\n";
    }
    text.resize(size);
    return text;
}

void deflate_level(benchmark::State& s) {
    const std::string text = source_like(256 << 10);
    deflater d(static_cast<int>(s.range(0)));
    std::vector<std::byte> out;
    for (auto _ : s) d.compress(as_bytes(text), out);
    s.SetBytesProcessed(s.iterations() * static_cast<std::int64_t>(text.size()));
    s.counters["ratio"] = static_cast<double>(text.size()) / static_cast<double>(out.size());
}
BENCHMARK(deflate_level)->Arg(1)->Arg(6)->Arg(12);

/// Below 4 MiB an entry goes through libdeflate in one piece, above through zlib in tiles.
void zip_extract(benchmark::State& s) {
    const std::string text = source_like(static_cast<std::size_t>(s.range(0)));
    std::vector<std::byte> packed;
    deflater().compress(as_bytes(text), packed);
    std::string archive;
    zip_writer writer([&](bytes_view v) -> act::result<void> {
        archive.append(reinterpret_cast<const char*>(v.data()), v.size());
        return {};
    });
    zip_entry entry{.name = "a", .deflated = true};
    entry.crc32 = crc32(0, as_bytes(text));
    entry.size = text.size();
    entry.stored_size = packed.size();
    writer.add(entry, packed).value();
    writer.finish().value();
    const auto reader = zip_reader::open(
        [&](std::uint64_t offset, std::span<std::byte> into) -> act::result<std::size_t> {
            return archive.copy(reinterpret_cast<char*>(into.data()), into.size(),
                                static_cast<std::size_t>(offset));
        },
        archive.size(), "bench.zip");
    zip_extractor extractor(*reader);
    for (auto _ : s) {
        extractor.extract(reader->entries()[0], [](bytes_view) -> act::result<void> { return {}; }).value();
    }
    s.SetBytesProcessed(s.iterations() * s.range(0));
}
BENCHMARK(zip_extract)->Arg(4 << 10)->Arg(1 << 20)->Arg(16 << 20);

}  // namespace
