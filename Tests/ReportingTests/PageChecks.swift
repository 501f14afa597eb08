import Testing

/// A page opens without a network: it refers to nothing but itself.
func checkNothingExternal(_ page: String, sourceLocation: SourceLocation = #_sourceLocation) {
  // The one name that SVG needs is no reference, and inline SVG does without it.
  #expect(
    !page.contains("http:") && !page.contains("https:") && !page.contains("@import"),
    sourceLocation: sourceLocation)
  for match in page.matches(of: #/(?:src|href)="([^"]*)"/#) {
    #expect(
      match.1.hasPrefix("data:image/png;base64,") || match.1.hasPrefix("#"), sourceLocation: sourceLocation)
  }
  #expect(!page.contains("url("), sourceLocation: sourceLocation)
}

/// Every element that opens closes, in order.
func checkBalance(_ page: String, sourceLocation: SourceLocation = #_sourceLocation) {
  var open: [Substring] = []
  for match in page.matches(of: #/<(\/?)([a-z][a-z0-9]*)[^>]*>/#) {
    if ["meta", "img", "br", "hr"].contains(match.2) { continue }
    if match.1.isEmpty {
      open.append(match.2)
    } else {
      #expect(open.popLast() == match.2, sourceLocation: sourceLocation)
    }
  }
  #expect(open.isEmpty, sourceLocation: sourceLocation)
}
