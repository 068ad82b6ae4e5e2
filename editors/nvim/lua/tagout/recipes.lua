--- Recipes: which there are, and which match in the current file.
local server = require('tagout.server')

local M = {}

--- What `tagout recipe list` says, for the folder of the current buffer; empty when it says nothing that can be read.
---@return table[]
function M.list()
  local _, _, workspace = require('tagout.overview').of(0)
  local folder = workspace and workspace.folder or vim.fn.getcwd()
  local command = vim.list_extend(vim.deepcopy(server.command()), { 'recipe', 'list', '--json', '--root', folder })
  local ran, done = pcall(function() return vim.system(command, { text = true }):wait(3000) end)
  if not ran or done.code ~= 0 then return {} end
  local found = {}
  for line in vim.gsplit(done.stdout, '\n', { trimempty = true }) do
    local read, recipe = pcall(vim.json.decode, line, { luanil = { object = true, array = true } })
    if read and type(recipe) == 'table' and type(recipe.name) == 'string' then table.insert(found, recipe) end
  end
  return found
end

---@return string[]
function M.names()
  return vim.tbl_map(function(recipe) return recipe.name end, M.list())
end

--- Asks which of the recipes is meant.
---@param chosen fun(name: string)
function M.choose(chosen)
  local client = require('tagout.client')
  local function show(recipe) return recipe.title and ('%s: %s'):format(recipe.name, recipe.title) or recipe.name end
  local list = M.list()
  if #list == 0 then return client.say('there are no recipes for this folder: docs/recipes.md says where they are put') end
  client.select(list, 'Which recipe?', show, function(recipe) chosen(recipe.name) end)
end

return M
