/// Image quality on plain numbers.
