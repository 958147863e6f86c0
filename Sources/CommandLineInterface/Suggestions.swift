/// The candidates that `word` was probably meant to be, the likeliest first, three at most.
///
/// Those are the candidates that begin with it; without any, those that few slips of the hand lead
/// to: two, or one where either word has up to three letters. Case doesn't count.
func suggestions(for word: String, among candidates: [String]) -> [String] {
  // Nobody types a name of a hundred letters by mistake, and the distance costs their product.
  guard (1...64).contains(word.utf8.count) else { return [] }
  let typed = Array(word.lowercased().unicodeScalars)
  var ranked: [(distance: Int, name: String)] = []
  for name in candidates {
    let wanted = Array(name.lowercased().unicodeScalars)
    let shorter = min(typed.count, wanted.count)
    let distance = wanted.starts(with: typed) ? 0 : editDistance(typed, wanted)
    // A word of one letter is another word after a single slip.
    if distance <= (shorter <= 3 ? 1 : 2), distance < shorter {
      ranked.append((distance, name))
    }
  }
  ranked.sort { ($0.distance, $0.name) < ($1.distance, $1.name) }
  if ranked.first?.distance == 0 { ranked.removeAll { $0.distance > 0 } }
  return ranked.prefix(3).map(\.name)
}

/// How many insertions, deletions, replacements and swaps of neighbours make one word the other.
///
/// This is the restricted form of the Damerau-Levenshtein distance (optimal string alignment): what
/// was swapped isn't edited again. It costs O(one × other).
func editDistance(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int {
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
