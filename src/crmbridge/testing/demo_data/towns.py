"""Real towns of Germany, with public coordinates to two decimals: where demo customers live."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Town:
    """A town.

    Args:
        weight: how many customers it attracts, relative to the others; 1 to 6.
        postcode: one postcode of the town.
    """

    name: str
    latitude: float
    longitude: float
    region: str
    postcode: str
    weight: int = 1


_ROWS = """
Hamburg 53.55 9.99 North 20095 6
Bremen 53.08 8.81 North 28195 4
Kiel 54.32 10.14 North 24103 2
Lübeck 53.87 10.69 North 23552 2
Flensburg 54.79 9.44 North 24937 1
Neumünster 54.07 9.99 North 24534 1
Husum 54.48 9.05 North 25813 1
Itzehoe 53.92 9.52 North 25524 1
Rendsburg 54.30 9.66 North 24768 1
Norderstedt 53.70 9.99 North 22846 1
Lüneburg 53.25 10.41 North 21335 1
Stade 53.60 9.48 North 21682 1
Bremerhaven 53.55 8.58 North 27568 1
Cuxhaven 53.86 8.69 North 27472 1
Oldenburg 53.14 8.21 North 26122 2
Wilhelmshaven 53.53 8.11 North 26382 1
Emden 53.37 7.21 North 26721 1
Leer 53.23 7.46 North 26789 1
Rostock 54.09 12.14 North 18055 2
Schwerin 53.63 11.41 North 19053 1
Wismar 53.89 11.46 North 23966 1
Stralsund 54.31 13.09 North 18439 1
Greifswald 54.10 13.39 North 17489 1
Neubrandenburg 53.56 13.26 North 17033 1
Hannover 52.37 9.73 Middle 30159 4
Braunschweig 52.27 10.52 Middle 38100 2
Wolfsburg 52.42 10.79 Middle 38440 2
Göttingen 51.53 9.93 Middle 37073 1
Hildesheim 52.15 9.95 Middle 31134 1
Celle 52.62 10.08 Middle 29221 1
Hameln 52.10 9.36 Middle 31785 1
Goslar 51.91 10.43 Middle 38640 1
Kassel 51.31 9.48 Middle 34117 2
Marburg 50.81 8.77 Middle 35037 1
Gießen 50.58 8.68 Middle 35390 1
Fulda 50.55 9.68 Middle 36037 1
Berlin 52.52 13.40 East 10117 6
Potsdam 52.40 13.07 East 14467 2
Cottbus 51.76 14.33 East 03046 1
Eberswalde 52.83 13.82 East 16225 1
Oranienburg 52.75 13.24 East 16515 1
Magdeburg 52.12 11.63 East 39104 2
Dessau 51.83 12.25 East 06844 1
Halle 51.48 11.97 East 06108 2
Leipzig 51.34 12.37 East 04109 4
Dresden 51.05 13.74 East 01067 4
Chemnitz 50.83 12.92 East 09111 2
Zwickau 50.72 12.50 East 08056 1
Görlitz 51.15 14.99 East 02826 1
Bautzen 51.18 14.43 East 02625 1
Plauen 50.50 12.13 East 08523 1
Erfurt 50.98 11.03 East 99084 2
Jena 50.93 11.59 East 07743 1
Gera 50.88 12.08 East 07545 1
Weimar 50.98 11.33 East 99423 1
Gotha 50.95 10.70 East 99867 1
Eisenach 50.98 10.32 East 99817 1
Suhl 50.61 10.69 East 98527 1
Köln 50.94 6.96 West 50667 5
Düsseldorf 51.23 6.78 West 40213 4
Dortmund 51.51 7.47 West 44135 4
Essen 51.46 7.01 West 45127 3
Duisburg 51.43 6.76 West 47051 2
Bochum 51.48 7.22 West 44787 2
Wuppertal 51.26 7.15 West 42103 2
Bonn 50.73 7.10 West 53111 2
Münster 51.96 7.63 West 48143 2
Bielefeld 52.02 8.53 West 33602 2
Aachen 50.78 6.08 West 52062 2
Mönchengladbach 51.19 6.44 West 41061 1
Krefeld 51.33 6.56 West 47798 1
Hagen 51.36 7.47 West 58095 1
Hamm 51.68 7.82 West 59065 1
Paderborn 51.72 8.75 West 33098 1
Siegen 50.87 8.02 West 57072 1
Gütersloh 51.91 8.38 West 33330 1
Osnabrück 52.28 8.05 West 49074 2
Minden 52.29 8.92 West 32423 1
Arnsberg 51.40 8.06 West 59821 1
Bocholt 51.84 6.62 West 46395 1
Rheine 52.28 7.44 West 48431 1
Düren 50.80 6.48 West 52349 1
Frankfurt 50.11 8.68 Rhine-Main 60311 5
Wiesbaden 50.08 8.24 Rhine-Main 65183 2
Mainz 49.99 8.27 Rhine-Main 55116 2
Darmstadt 49.87 8.65 Rhine-Main 64283 2
Offenbach 50.10 8.77 Rhine-Main 63065 1
Hanau 50.13 8.92 Rhine-Main 63450 1
Koblenz 50.36 7.59 Rhine-Main 56068 1
Trier 49.76 6.64 Rhine-Main 54290 1
Kaiserslautern 49.44 7.77 Rhine-Main 67655 1
Saarbrücken 49.24 7.00 Rhine-Main 66111 2
Mannheim 49.49 8.47 Rhine-Main 68159 3
Ludwigshafen 49.48 8.45 Rhine-Main 67059 1
Heidelberg 49.40 8.69 Rhine-Main 69117 1
Worms 49.63 8.36 Rhine-Main 67547 1
Aschaffenburg 49.97 9.15 Rhine-Main 63739 1
Stuttgart 48.78 9.18 South-West 70173 5
Karlsruhe 49.01 8.40 South-West 76133 3
Freiburg 47.99 7.85 South-West 79098 2
Heilbronn 49.14 9.22 South-West 74072 2
Pforzheim 48.89 8.70 South-West 75172 1
Reutlingen 48.49 9.21 South-West 72764 1
Tübingen 48.52 9.06 South-West 72070 1
Ulm 48.40 9.99 South-West 89073 2
Aalen 48.84 10.09 South-West 73430 1
Konstanz 47.66 9.18 South-West 78462 1
Offenburg 48.47 7.94 South-West 77652 1
Ravensburg 47.78 9.61 South-West 88212 1
München 48.14 11.58 South 80331 6
Nürnberg 49.45 11.08 South 90402 4
Augsburg 48.37 10.90 South 86150 3
Regensburg 49.02 12.10 South 93047 2
Würzburg 49.79 9.95 South 97070 2
Ingolstadt 48.76 11.42 South 85049 2
Erlangen 49.60 11.00 South 91052 1
Bamberg 49.89 10.89 South 96047 1
Bayreuth 49.95 11.58 South 95444 1
Passau 48.57 13.46 South 94032 1
Landshut 48.54 12.15 South 84028 1
Rosenheim 47.86 12.13 South 83022 1
Kempten 47.73 10.32 South 87435 1
Weiden 49.68 12.16 South 92637 1
"""


def _town(row: str) -> Town:
    name, latitude, longitude, region, postcode, weight = row.split()
    return Town(name, float(latitude), float(longitude), region, postcode, int(weight))


TOWNS: tuple[Town, ...] = tuple(_town(row) for row in _ROWS.strip().splitlines())

BOUNDS = (47.2, 55.1, 5.8, 15.1)
"""Least and greatest latitude, least and greatest longitude of Germany, with a margin."""
