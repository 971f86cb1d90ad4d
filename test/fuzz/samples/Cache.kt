package org.example.cache

import java.time.Duration
import java.time.Instant
import kotlin.math.min

/** Keeps what was computed for a while. */
class Cache<K : Any, V>(
    private val capacity: Int = 100,
    private val keepFor: Duration = Duration.ofMinutes(5),
    private val now: () -> Instant = Instant::now,
) : Iterable<Pair<K, V>> {
    private data class Entry<V>(val value: V, val until: Instant)

    private val entries = LinkedHashMap<K, Entry<V>>(min(capacity, 16), 0.75f, true)

    val size: Int
        get() = entries.size

    operator fun get(key: K): V? {
        val entry = entries[key] ?: return null
        if (entry.until.isBefore(now())) {
            entries.remove(key)
            return null
        }
        return entry.value
    }

    fun getOrPut(key: K, compute: (K) -> V): V =
        get(key) ?: compute(key).also { value ->
            entries[key] = Entry(value, now().plus(keepFor))
            trim()
        }

    private fun trim() {
        while (entries.size > capacity) {
            val eldest = entries.keys.first()
            entries.remove(eldest)
        }
    }

    override fun iterator(): Iterator<Pair<K, V>> = entries.map { (key, entry) -> key to entry.value }.iterator()

    override fun toString(): String = buildString {
        append("Cache(")
        entries.entries.joinTo(this, limit = 3) { (key, entry) -> "$key=${entry.value}" }
        append(")")
    }
}

fun describe(cache: Cache<String, Int>): String = when (val size = cache.size) {
    0 -> "empty"
    1 -> "one entry"
    in 2..9 -> "$size entries, ${cache.sumOf { it.second }} in all"
    else -> """
        many entries:
        ${cache.joinToString { (name, value) -> "$name is $value" }}
    """.trimIndent()
}
