"""Lyrics in any script as bags of hashed words and hashed character n-grams, computed in the graph from raw strings.

Words tell languages with spaces apart; character n-grams (one to three characters) serve Chinese, Japanese or Thai,
where a line is one word, and inflected forms everywhere.
"""

import tensorflow as tf

WORD_BUCKETS = 4096
NGRAM_BUCKETS = 4096
BAG = WORD_BUCKETS + NGRAM_BUCKETS
_NGRAM_WIDTHS = (1, 2, 3)
_MAX_CHARACTERS = 20_000
_NOT_IN_WORDS = r"[^\p{L}\p{M}\p{N}]+"


def _bag(tokens: tf.RaggedTensor, buckets: int) -> tf.Tensor:
    """Damped counts of hashed tokens, of length one where there are any: [b, buckets]."""
    hashed = tf.strings.to_hash_bucket_fast(tokens.flat_values, buckets)
    rows = tokens.value_rowids()
    cells = rows * buckets + hashed
    counts = tf.math.unsorted_segment_sum(tf.ones_like(cells, tf.float32), cells, tokens.nrows() * buckets)
    damped = tf.math.log1p(tf.reshape(counts, [-1, buckets]))
    return tf.math.divide_no_nan(damped, tf.norm(damped, axis=-1, keepdims=True))


def lyrics_bag(lyrics: tf.Tensor) -> tf.Tensor:
    """Bags of words and of character n-grams.

    Case, punctuation and white space do not count; bytes that are no UTF-8 count as punctuation. Only the first 20,000
    characters are read.

    Parameters
    ----------
    lyrics : string [b], UTF-8; may be empty

    Returns
    -------
    float32 [b, WORD_BUCKETS + NGRAM_BUCKETS], from 0 to 1: ``log(1 + count)``, each of the two parts scaled to length
    one; zeros for lyrics without a letter or digit.
    """
    text = tf.strings.unicode_transcode(
        lyrics,
        "UTF-8",
        "UTF-8",
        errors="replace",
        replacement_char=0x20,
        replace_control_characters=True,  # tf.strings.lower ends at a NUL
    )
    text = tf.strings.substr(text, 0, _MAX_CHARACTERS, unit="UTF8_CHAR")
    text = tf.strings.strip(tf.strings.regex_replace(tf.strings.lower(text, encoding="utf-8"), _NOT_IN_WORDS, " "))
    words = tf.strings.split(text)
    characters = tf.strings.unicode_split(text, "UTF-8")
    ngrams = tf.strings.ngrams(characters, _NGRAM_WIDTHS, separator="")
    return tf.concat([_bag(words, WORD_BUCKETS), _bag(ngrams, NGRAM_BUCKETS)], axis=-1)
