#!/usr/bin/env python3
"""Makes the image files of the tests with Pillow: one picture, 20 wide and 12 high, dark on the left (40) and bright on the right (220), in
many formats. Run it in this folder; the files are kept in the repository."""
from PIL import Image

WIDTH, HEIGHT, DARK, BRIGHT = 20, 12, 40, 220
grey = Image.new("L", (WIDTH, HEIGHT), DARK)
grey.paste(BRIGHT, (WIDTH // 2, 0, WIDTH, HEIGHT))
rgb = grey.convert("RGB")

grey.save("grey.png")
rgb.save("rgb.png")
rgb.convert("P", palette=Image.Palette.ADAPTIVE).save("palette.png")
Image.merge("LA", (Image.new("L", grey.size, BRIGHT), grey.point(lambda v: 255 if v == BRIGHT else 0))).save("alpha.png")
Image.frombytes("I;16", grey.size, b"".join(bytes([0, v]) for v in grey.tobytes())).save("deep.png")
grey.save("grey.jpg", quality=95)
rgb.save("rgb.jpg", quality=95)
rgb.save("progressive.jpg", quality=95, progressive=True)
rgb.convert("CMYK").save("cmyk.jpg", quality=95)
frames = [grey, grey.point(lambda v: 255 - v)]
frames[0].save("animated.png", save_all=True, append_images=frames[1:])
frames[0].save("animated.gif", save_all=True, append_images=frames[1:])
