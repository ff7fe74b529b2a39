/** Words and texts. Chinese, Japanese, Thai and some others are written without spaces between words. */

// Thai to Burmese, Khmer; Chinese characters, kana and their punctuation, half-width and full-width forms.
const FULL =
	"\\u2e80-\\u2fdf\\u3000-\\u30ff\\u31f0-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\uff00-\\uffef\\u{20000}-\\u{3ffff}";
const UNSPACED = "\\u0e00-\\u0eff\\u0f00-\\u0fff\\u1000-\\u109f\\u1780-\\u17ff" + FULL;
const NO_SPACE = new RegExp(`([${UNSPACED}]) (?=[${UNSPACED}])`, "gu");
const BETWEEN = new RegExp(`([${FULL}])(?=[${FULL}])`, "gu");
const NEVER_FIRST =
	/^[、。，．・：；？！」』）］｝〕〉》】〙〗〟｡｣､･ー々ゝゞヽヾ〻ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶｧｨｩｪｫｯｬｭｮｰﾞﾟ％]/u;

/**
 * Joins words with spaces, but not where both neighbours are of a script that has none.
 * @param {string[]} words
 */
export function joinWords(words) {
	return words.join(" ").replace(NO_SPACE, "$1");
}

/**
 * Splits a text where a line may break: at spaces, and between Chinese and Japanese characters. Where words of Thai
 * and its neighbours end only a dictionary knows: they stay together.
 * @param {string} text
 */
export function splitWords(text) {
	return text.replace(BETWEEN, "$1 ").split(/\s+/).filter(Boolean);
}

/**
 * Whether no line may begin with a word, such as a full stop.
 * @param {string} word
 */
export function mayNotBegin(word) {
	return NEVER_FIRST.test(word);
}
