/// The word of `known` that `word` was probably meant to be, or `nil`.
///
/// Near is what differs by case, by separators, or beyond those by up to two edits: a letter left
/// out, put in, replaced, or swapped with its neighbour. Of several the nearest, then the first.
func nearMiss(of word: String, among known: [String]) -> String? {
  let typed = letters(of: word)
  // Nobody mistypes a known word into one that long, and the distance costs the lengths' product.
  guard typed.count <= 64 else { return nil }
  var best: (distance: Int, word: String)?
  for candidate in known where !candidate.utf8.elementsEqual(word.utf8) {
    let wanted = letters(of: candidate)
    guard abs(wanted.count - typed.count) <= 2 else { continue }
    let distance = editDistance(typed, wanted)
    if distance <= 2, distance < best?.distance ?? .max { best = (distance, candidate) }
  }
  return best?.word
}

/// What is compared of a key: lower-case letters and digits, whatever separates them left out.
private func letters(of word: String) -> [Unicode.Scalar] {
  word.lowercased().unicodeScalars.filter { !["_", "-", " ", ".", "/", ":"].contains($0) }
}

/// The restricted Damerau-Levenshtein distance (optimal string alignment); O(one × other).
private func editDistance(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...other.count)
  for i in one.indices {
    var current = [i + 1]
    for j in other.indices {
      var least = min(last[j + 1] + 1, current[j] + 1, last[j] + (one[i] == other[j] ? 0 : 1))
      if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
        least = min(least, beforeLast[j - 1] + 1)
      }
      current.append(least)
    }
    (beforeLast, last) = (last, current)
  }
  return last[other.count]
}
