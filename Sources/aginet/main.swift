print("aginet")
